import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Message } from '../../src/cli/support/publisher.ts';
import { toAmqpTimestamp } from '../../src/kazoo/time.ts';
import {
  delivery,
  type Frame,
  framesIn,
  heartbeatFrame,
  longText,
  method,
  methodFrame,
  text,
  textAt,
  uint,
} from './frames.ts';

/** Speaks AMQP with one daemon in place of a broker, and delivers it prepared messages, as many as it is told. */
export interface Replayer {
  readonly url: string;
  /** Delivers so many more; resolves when the daemon has acknowledged all. */
  replay(count: number): Promise<void>;
  close(): void;
}

/** Messages as they are sent on a channel. */
interface Recording {
  readonly bytes: Buffer;
  /** Where each message ends. */
  readonly ends: readonly number[];
}

const consumer = 'replay';

/** Prepares messages once for all daemons, which all consume on the same channel. */
export function record(messages: readonly Message[]): (channel: number) => Recording {
  const recordings = new Map<number, Recording>();
  return (channel) => {
    const recording = recordings.get(channel) ?? recordFor(channel, messages);
    recordings.set(channel, recording);
    return recording;
  };
}

function recordFor(channel: number, messages: readonly Message[]): Recording {
  const ends: number[] = [];
  const parts = messages.map(({ routingKey, body, time }, index) => {
    const envelope = { tag: index + 1, consumer, exchange: 'notifications' };
    const part = delivery(channel, envelope, { routingKey, timestamp: toAmqpTimestamp(time), body });
    ends.push((ends[index - 1] ?? 0) + part.length);
    return part;
  });
  return { bytes: Buffer.concat(parts), ends };
}

export async function startReplayer(record: (channel: number) => Recording): Promise<Replayer> {
  const server = createServer({ noDelay: true });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const stock = new Stock(record);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', failed.reject);
    converse(socket, stock, failed.reject);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    replay: (count) => Promise.race([stock.release(count), failed.promise]),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** What is delivered, and how far that is. */
class Stock {
  readonly #record: (channel: number) => Recording;
  #send: (first: number, last: number) => void = () => undefined;
  #prefetch = 0;
  #released = 0;
  #sent = 0;
  #acknowledged = 0;
  #done = Promise.withResolvers<void>();

  constructor(record: (channel: number) => Recording) {
    this.#record = record;
  }

  get waiting(): number {
    return this.#released - this.#sent;
  }

  release(count: number): Promise<void> {
    this.#released += count;
    this.#done = Promise.withResolvers();
    this.#sendMore();
    return this.#done.promise;
  }

  allow(prefetch: number): void {
    this.#prefetch = prefetch;
  }

  consume(socket: Socket, channel: number): void {
    const { bytes, ends } = this.#record(channel);
    this.#send = (first, last) => socket.write(bytes.subarray(ends[first - 1] ?? 0, ends[last - 1]));
    this.#sendMore();
  }

  acknowledge(tag: number): void {
    this.#acknowledged = tag;
    if (tag === this.#released) this.#done.resolve();
    else this.#sendMore();
  }

  #sendMore(): void {
    const last = Math.min(this.#released, this.#acknowledged + this.#prefetch);
    if (last <= this.#sent) return;
    this.#send(this.#sent, last);
    this.#sent = last;
  }
}

/** Answers what the daemon asks, which wants no more than that all is as it should be. */
function converse(socket: Socket, stock: Stock, fail: (error: Error) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  let greeted = false;
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // The protocol's name comes first, and is no frame.
    const { frames, rest: left } = framesIn(greeted ? bytes : bytes.subarray(8));
    if (!greeted)
      socket.write(method(0, [10, 10], uint(1, 0), uint(1, 9), serverProperties, longText('PLAIN'), longText('en_US')));
    greeted = true;
    rest = left;
    try {
      for (const frame of frames) answer(socket, frame, stock);
    } catch (error) {
      fail(error as Error); // nothing else is thrown here
    }
  });
}

/** A table with the version alone: what is declared for a queue depends on it. */
const serverProperties = longText(Buffer.concat([text('version'), Buffer.from('S'), longText('4.0.0')]));

function answer(socket: Socket, { type, channel, payload }: Frame, stock: Stock): void {
  if (type === heartbeatFrame) return void socket.write(Buffer.from([heartbeatFrame, 0, 0, 0, 0, 0, 0, 0xce]));
  if (type !== methodFrame)
    throw new Error(`the daemon sent a frame of type ${type}, which the bench has no answer to`);
  const [family, name] = [payload.readUInt16BE(0), payload.readUInt16BE(2)];
  const reply = (...args: Buffer[]) => socket.write(method(channel, [family, name + 1], ...args));
  const answers: Readonly<Record<string, () => unknown>> = {
    // connection: start-ok, tune-ok, open, close
    '10.11': () => socket.write(method(0, [10, 30], uint(2, 2047), uint(4, 131_072), uint(2, 60))),
    '10.31': () => undefined,
    '10.40': () => reply(text('')),
    '10.50': () => reply(),
    // channel: open, close
    '20.10': () => reply(longText('')),
    '20.40': () => reply(),
    // declare an exchange; declare and bind a queue
    '40.10': () => reply(),
    '50.10': () => reply(text(textAt(payload, 6)), uint(4, stock.waiting), uint(4, 1)),
    '50.20': () => reply(),
    // basic: qos, consume, cancel, ack
    '60.10': () => {
      stock.allow(payload.readUInt16BE(8));
      reply();
    },
    '60.20': () => {
      reply(text(consumer));
      stock.consume(socket, channel);
    },
    '60.30': () => reply(text(consumer)),
    '60.80': () => stock.acknowledge(Number(payload.readBigUInt64BE(4))),
  };
  const respond = answers[`${family}.${name}`];
  if (respond === undefined)
    throw new Error(`the daemon sent the AMQP method ${family}.${name}, which the bench has no answer to`);
  respond();
}
