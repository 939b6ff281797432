import { createHash, type Hash } from 'node:crypto';
import type { FrameReader } from '../common/net/amqplib.ts';
import { maxUndecodableBytes } from '../kazoo/decode.ts';
import type { Message } from '../notification/notification.ts';

/**
 * A message that isn't in the journal yet; the receiver fills it in while it arrives. It is a class for the same reason
 * as `Header`.
 */
export class ReceivedMessage implements Message {
  body: Uint8Array = nothing;
  digest: string | undefined;
  routingKey = '';
  contentEncoding: string | undefined;
  messageId: string | undefined;
  timestamp: number | undefined;
  readonly zone: string;
  receivedAt = 0;
  /** By which it is acknowledged. */
  deliveryTag = 0;

  constructor(zone: string) {
    this.zone = zone;
  }
}

const nothing = Buffer.alloc(0);

/** Who gets the messages of a connection. */
export interface Recipient {
  /** The connection's, which no message says. */
  readonly zone: string;
  /** In bytes: a larger body is hashed as it comes, and only its beginning is held. */
  readonly maxBodySize: number;
  /**
   * While this is false, nothing is read from the socket: what the broker sends waits in buffers of fixed size, here and
   * there. A bound of messages, as prefetch is, doesn't bound memory.
   */
  readonly hasRoom: boolean;
  take(message: Readonly<ReceivedMessage>): void;
}

/**
 * Makes a connection hand over the messages that are delivered on it. They are taken from what the socket has read, all
 * other frames are left to amqplib: for each message it would make nine views of bytes and decode properties that nobody
 * asks for. Nor could it go on after properties that it can't decode, such as a header table nested ten thousand deep,
 * which would come again on the next connection, and so stop intake for good.
 */
export function receive(reader: FrameReader, recipient: Recipient): void {
  const receiver = new Receiver(reader, recipient);
  reader.recvFrame = () => receiver.next();
}

/*
 * A frame is its type (1 byte), channel (2), size of its payload (4), payload, and an end mark. A message takes these, on
 * its channel one behind another; sizes in bytes, a short text has its length in its first byte:
 *
 *   method      class and method (4), consumer tag (short text), delivery tag (8), whether it comes again (1), exchange
 *               (short text), routing key (short text)
 *   properties  class (2), weight (2), size of the body (8), which properties there are (2), these in the order of their
 *               flags
 *   body        a part of the body, at most the connection's largest frame; none where the body is empty
 */
const headSize = 7;
const endMark = 0xce;
const methodFrame = 1;
const propertiesFrame = 2;
const bodyFrame = 3;
/** Class 60, method 60. */
const basicDeliver = 0x003c003c;

/** Up to the timestamp, how each property is written, in the order of their flags from the highest down. */
const properties = ['text', 'text', 'table', 'octet', 'octet', 'text', 'text', 'text', 'text'] as const;
const contentEncodingFlag = 0x4000;
const messageIdFlag = 0x0080;
const timestampFlag = 0x0040;

class Receiver {
  readonly #reader: FrameReader;
  readonly #readWithAmqplib: () => unknown;
  readonly #recipient: Recipient;
  /** The bytes read, and the end of the part that is done. */
  #bytes: Buffer;
  #at = 0;
  /** The message in progress: the frame that must come next, and what is known so far. */
  #expected: typeof methodFrame | typeof propertiesFrame | typeof bodyFrame = methodFrame;
  #channel = 0;
  #message: ReceivedMessage;
  #missing = 0;
  #parts: Buffer[] = [];
  #tooLarge: TooLarge | undefined;

  constructor(reader: FrameReader, recipient: Recipient) {
    this.#reader = reader;
    this.#recipient = recipient;
    this.#message = new ReceivedMessage(recipient.zone);
    this.#readWithAmqplib = reader.recvFrame.bind(reader);
    this.#bytes = reader.rest;
  }

  /** The next frame that is no part of a message, as amqplib decodes it; false where all that has come was taken. */
  next(): unknown {
    for (;;) {
      const size = this.#wholeFrame();
      if (size === null) {
        if (!this.#read()) return false;
      } else if (!this.#takeFrame(size)) {
        return this.#frameForOthers();
      }
    }
  }

  /** The size of the payload of the frame that comes next; null where that isn't whole. */
  #wholeFrame(): number | null {
    const there = this.#bytes.length - this.#at - headSize;
    if (there < 0) return null;
    const size = this.#bytes.readUInt32BE(this.#at + 3);
    const { maxFrameSize } = this.#reader;
    if (maxFrameSize > 0 && size > maxFrameSize)
      throw new Error(`the broker sent a frame of ${size} bytes, more than ${maxFrameSize}`);
    return size < there ? size : null;
  }

  #read(): boolean {
    const isReading = this.#recipient.hasRoom;
    const incoming: Buffer | null = isReading ? this.#reader.stream.read() : null;
    // A broker that isn't listened to isn't silent.
    if (incoming !== null || !isReading) this.#reader.recvSinceLastCheck = true;
    if (incoming === null) return false;
    const rest = this.#bytes.subarray(this.#at);
    this.#bytes = rest.length === 0 ? incoming : Buffer.concat([rest, incoming]);
    this.#at = 0;
    return true;
  }

  #frameForOthers(): unknown {
    this.#reader.rest = this.#bytes.subarray(this.#at);
    const frame = this.#readWithAmqplib();
    this.#bytes = this.#reader.rest;
    this.#at = 0;
    return frame;
  }

  /** Takes a frame that is part of a message; false where it isn't one. */
  #takeFrame(size: number): boolean {
    const bytes = this.#bytes;
    const start = this.#at + headSize;
    const end = start + size;
    const type = bytes[this.#at];
    const channel = bytes.readUInt16BE(this.#at + 1);
    if (this.#expected === methodFrame) {
      if (type !== methodFrame || size < 4 || bytes.readUInt32BE(start) !== basicDeliver) return false;
    } else {
      if (channel !== this.#channel) return false;
      if (type !== this.#expected) throw new Error('the broker sent something else in the middle of a message');
    }
    if (bytes[end] !== endMark) throw new Error('the broker sent a frame without its end');
    this.#at = end + 1;
    if (type === methodFrame) this.#takeMethod(channel, start + 4);
    else if (type === propertiesFrame) this.#takeProperties(start, end);
    else this.#takeBody(start, end);
    return true;
  }

  #takeMethod(channel: number, start: number): void {
    const bytes = this.#bytes;
    const tag = start + 1 + bytes.readUInt8(start); // behind the consumer's
    const exchange = tag + 9; // and whether it comes again
    const key = exchange + 1 + bytes.readUInt8(exchange);
    this.#channel = channel;
    this.#message = new ReceivedMessage(this.#recipient.zone);
    this.#message.deliveryTag = bytes.readUInt32BE(tag) * 2 ** 32 + bytes.readUInt32BE(tag + 4);
    this.#message.routingKey = bytes.toString('utf8', key + 1, key + 1 + bytes.readUInt8(key));
    this.#expected = propertiesFrame;
  }

  #takeProperties(start: number, end: number): void {
    const bytes = this.#bytes;
    const size = start + 4; // behind class and weight
    this.#missing = bytes.readUInt32BE(size) * 2 ** 32 + bytes.readUInt32BE(size + 4);
    this.#readProperties(size + 8, end);
    this.#expected = bodyFrame;
    if (this.#missing > this.#recipient.maxBodySize) this.#tooLarge = tooLarge(this.#missing);
    if (this.#missing === 0) this.#handOver(nothing);
  }

  /** Leaves out those that go beyond the frame: publishers write them, and brokers don't look at them. */
  #readProperties(start: number, end: number): void {
    const bytes = this.#bytes;
    const flags = bytes.readUInt16BE(start);
    let at = start + 2;
    let flag = 0x8000;
    for (const kind of properties) {
      if ((flags & flag) !== 0) {
        const value = at;
        at += sizeOf(bytes, at, kind);
        if (at > end) return;
        if (flag === contentEncodingFlag) this.#message.contentEncoding = bytes.toString('utf8', value + 1, at);
        else if (flag === messageIdFlag) this.#message.messageId = bytes.toString('latin1', value + 1, at);
      }
      flag >>>= 1;
    }
    if ((flags & timestampFlag) === 0 || at + 8 > end) return;
    this.#message.timestamp = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
  }

  #takeBody(start: number, end: number): void {
    const part = this.#bytes.subarray(start, end);
    this.#missing -= part.length;
    if (this.#missing < 0) throw new Error('the broker sent more of a message than it had announced');
    if (this.#tooLarge !== undefined) this.#takeTooLarge(this.#tooLarge, part);
    else if (this.#missing > 0) this.#parts.push(part);
    else this.#handOver(this.#parts.length === 0 ? part : Buffer.concat([...this.#parts.splice(0), part]));
  }

  #takeTooLarge(body: TooLarge, part: Buffer): void {
    body.hash.update(part);
    body.held += part.copy(body.beginning, body.held);
    if (this.#missing > 0) return;
    this.#tooLarge = undefined;
    this.#handOver(body.beginning, body.hash.digest('hex'));
  }

  #handOver(body: Buffer, digest?: string): void {
    this.#expected = methodFrame;
    const message = this.#message;
    message.body = body;
    message.digest = digest;
    message.receivedAt = Date.now();
    this.#recipient.take(message);
  }
}

/** A body of which no more than the beginning is held. */
interface TooLarge {
  readonly hash: Hash;
  readonly beginning: Buffer;
  /** How many bytes of the beginning have come. */
  held: number;
}

/** @param size of the whole body, in bytes */
function tooLarge(size: number): TooLarge {
  return { hash: createHash('sha256'), beginning: Buffer.alloc(Math.min(size, maxUndecodableBytes)), held: 0 };
}

/** How many bytes a property takes; without end where that isn't there to be read. */
function sizeOf(bytes: Buffer, at: number, kind: (typeof properties)[number]): number {
  if (kind === 'octet') return 1;
  if (kind === 'text') return 1 + (bytes[at] ?? Number.POSITIVE_INFINITY);
  return at + 4 > bytes.length ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt32BE(at);
}
