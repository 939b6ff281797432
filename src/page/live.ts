import type { ServerResponse } from 'node:http';

/** Streams at a time, of who is logged in and of all others; who comes then reads without. */
const most = { visitors: 20, others: 10 };

/** At most one event in so many milliseconds; and a line now and then, so that whoever is gone is noticed. */
const pace = 1_000;
const signEvery = 20_000;

/** Whether the session that has opened a stream has ended; null where none has. */
type IsOver = (() => Promise<boolean>) | null;

/** Streams of server-sent events that tell pages that something has changed, and nothing else. */
export class LiveStreams {
  readonly #streams = new Map<ServerResponse, IsOver>();
  readonly #subscribe: (listener: () => void) => () => void;
  /** Where there are streams: nobody is to look for whom nobody listens to. */
  #stop: (() => void) | undefined;
  readonly #signs: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;

  constructor(subscribe: (listener: () => void) => () => void) {
    this.#subscribe = subscribe;
    this.#signs = setInterval(() => {
      this.#send(': alive\n\n');
      this.endOld();
    }, signEvery);
  }

  /** Returns false where there are too many already. */
  open(response: ServerResponse, isOver: IsOver): boolean {
    const alike = [...this.#streams.values()].filter((other) => (other === null) === (isOver === null));
    if (alike.length >= (isOver === null ? most.others : most.visitors)) return false;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.write('retry: 5000\n\n');
    this.#streams.set(response, isOver);
    this.#stop ??= this.#subscribe(() => this.#changed());
    response.on('close', () => this.#left(response));
    return true;
  }

  /** Ends those whose sessions have ended, here or on another daemon. */
  endOld(): void {
    for (const [stream, isOver] of this.#streams)
      isOver?.().then(
        (over) => over && stream.end(),
        // While that can't be told, nothing is lost: a stream says only that something has changed.
        () => undefined,
      );
  }

  close(): void {
    this.#stop?.();
    clearInterval(this.#signs);
    clearTimeout(this.#timer);
    for (const stream of this.#streams.keys()) stream.end();
  }

  #left(stream: ServerResponse): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #changed(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send('event: changed\ndata: 1\n\n');
    }, pace);
  }

  #send(text: string): void {
    // One that doesn't read is ended: it comes again by itself.
    for (const stream of this.#streams.keys())
      if (!stream.write(text) && stream.writableLength > 4_096) stream.destroy();
  }
}
