import type { Duplex } from 'node:stream';
import type { ChannelModel, ConfirmChannel } from 'amqplib';

/*
 * All that is used of amqplib beyond its types. It may change with any version, so package.json pins the one below
 * exactly, and each connection is looked at before anything else is done with it.
 */

/** The version of which this was read and tried. */
export const knownVersion = '2.3.1';

/** A connection as it reads frames. */
export interface FrameReader {
  readonly stream: Duplex;
  /** In bytes; 0 is no limit. */
  readonly maxFrameSize: number;
  /** Bytes that were read from the socket and not yet taken as frames. */
  rest: Buffer;
  /** Its heartbeats look whether anything has come. */
  recvSinceLastCheck: boolean;
  /** Takes the next frame out of `rest` and the stream; false where it isn't whole yet. Called until it says so. */
  recvFrame(): unknown;
}

const partsOfConnection: Readonly<Record<keyof FrameReader, (value: unknown) => boolean>> = {
  stream: (value) => hasMethods(value, ['read', 'write', 'destroy', 'emit']),
  maxFrameSize: (value) => typeof value === 'number',
  rest: (value) => Buffer.isBuffer(value),
  recvSinceLastCheck: (value) => typeof value === 'boolean',
  recvFrame: (value) => typeof value === 'function',
};

/** @throws where the connection isn't made as the known version makes it */
export function frameReaderOf({ connection }: Pick<ChannelModel, 'connection'>): FrameReader {
  const parts = connection as unknown as Record<string, unknown>; // looked at just below
  const unknown = Object.entries(partsOfConnection).flatMap(([name, fits]) => (fits(parts[name]) ? [] : [name]));
  if (unknown.length > 0) throw mismatch(`its connection has no ${unknown.join(', no ')} as this program knows it`);
  return connection as unknown as FrameReader; // as was seen just above
}

/** Has amqplib take up its reading; the stream itself says `readable` once for what nobody has taken yet. */
export function readOn(reader: FrameReader): void {
  reader.stream.emit('readable');
}

/**
 * From now on, what is written within a turn goes to the system at once: amqplib writes each message by itself, and every one
 * would be a packet of its own.
 */
export function sendTogether({ stream }: FrameReader): void {
  const { write } = stream;
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    stream.uncork();
  };
  stream.write = (...written: unknown[]) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return Reflect.apply(write, stream, written);
  };
}

/**
 * Ends a connection without a word to the broker, which may be one that no longer answers: for the answer to its own
 * `close()` amqplib waits for ever. An error is what makes it clear its timers.
 */
export function cutOff(reader: FrameReader, reason?: Error): void {
  reader.stream.destroy(reason);
}

/** KAZOO sends no header table; amqplib would always send one, empty. @throws as `frameReaderOf` */
export function leaveOutHeaders(channel: ConfirmChannel): void {
  const sender = channel as unknown as Sender; // looked at just below
  if (typeof sender.sendMessage !== 'function')
    throw mismatch('its channel has no sendMessage as this program knows it');
  const sendMessage = sender.sendMessage.bind(channel);
  sender.sendMessage = (fields, properties, content) =>
    sendMessage(fields, { ...properties, headers: undefined }, content);
}

/** A channel as it writes a message. */
interface Sender {
  sendMessage(fields: object, properties: object, content: Buffer): boolean;
}

/** Where amqplib does something by itself that its known version leaves to this program, or lacks a part. */
export function mismatch(what: string): Error {
  return new Error(
    `amqplib is another version than ${knownVersion}, for which this program is made: ${what}. Install the program ` +
      'again, as its release has it, or with "npm ci"',
  );
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && names.every((name) => name in value);
}
