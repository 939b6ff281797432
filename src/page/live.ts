import type { ServerResponse } from 'node:http';

/** Streams at a time; who comes then reads without. */
const mostStreams = 20;

/** At most one event in so many milliseconds; and a line now and then, so that whoever is gone is noticed. */
const pace = 1_000;
const signEvery = 20_000;

/** Streams of server-sent events that tell pages that something has changed, and nothing else. */
export class LiveStreams {
  readonly #streams = new Set<ServerResponse>();
  readonly #stop: () => void;
  readonly #signs: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;

  constructor(subscribe: (listener: () => void) => () => void) {
    this.#stop = subscribe(() => this.#changed());
    this.#signs = setInterval(() => this.#send(': alive\n\n'), signEvery);
  }

  /** Returns false where there are too many already. */
  open(response: ServerResponse): boolean {
    if (this.#streams.size >= mostStreams) return false;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.write('retry: 5000\n\n');
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
    return true;
  }

  close(): void {
    this.#stop();
    clearInterval(this.#signs);
    clearTimeout(this.#timer);
    for (const stream of this.#streams) stream.end();
  }

  #changed(): void {
    if (this.#timer !== undefined || this.#streams.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send('event: changed\ndata: 1\n\n');
    }, pace);
  }

  #send(text: string): void {
    // One that doesn't read is ended: it comes again by itself.
    for (const stream of this.#streams) if (!stream.write(text) && stream.writableLength > 4_096) stream.destroy();
  }
}
