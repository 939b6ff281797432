/*
 * AMQP 0-9-1 as far as a broker says it that only delivers. A frame is its type, channel, payload's size, payload and
 * an end mark.
 */

export const methodFrame = 1;
const propertiesFrame = 2;
const bodyFrame = 3;
export const heartbeatFrame = 8;
const headSize = 7;
const endMark = 0xce;

export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

/** Takes the frames that are whole out of what has come, and returns them and what is left. */
export function framesIn(bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.length - at < headSize ? Number.POSITIVE_INFINITY : at + headSize + bytes.readUInt32BE(at + 3);
    if (end >= bytes.length) return { frames, rest: bytes.subarray(at) };
    frames.push({
      type: bytes.readUInt8(at),
      channel: bytes.readUInt16BE(at + 1),
      payload: bytes.subarray(at + headSize, end),
    });
    at = end + 1;
  }
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(headSize + payload.length + 1, endMark);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt16BE(channel, 1);
  bytes.writeUInt32BE(payload.length, 3);
  payload.copy(bytes, headSize);
  return bytes;
}

/** A method: its class and its number in it, and its arguments. */
export function method(channel: number, [family, name]: readonly [number, number], ...args: Buffer[]): Buffer {
  return frame(methodFrame, channel, Buffer.concat([uint(2, family), uint(2, name), ...args]));
}

/** A message on its way to a consumer. @param timestamp as AMQP has it */
export function delivery(
  channel: number,
  { tag, consumer, exchange }: { readonly tag: number; readonly consumer: string; readonly exchange: string },
  { routingKey, timestamp, body }: { readonly routingKey: string; readonly timestamp: number; readonly body: Buffer },
): Buffer {
  const contentTypeAndTimestamp = 0x8000 | 0x0040;
  const properties = [uint(2, contentTypeAndTimestamp), text('application/json'), uint(8, timestamp)];
  return Buffer.concat([
    method(channel, [60, 60], text(consumer), uint(8, tag), uint(1, 0), text(exchange), text(routingKey)),
    frame(propertiesFrame, channel, Buffer.concat([uint(2, 60), uint(2, 0), uint(8, body.length), ...properties])),
    frame(bodyFrame, channel, body),
  ]);
}

export function uint(size: 1 | 2 | 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes.subarray(8 - size);
}

/** Of 255 bytes at most. */
export function text(value: string): Buffer {
  return Buffer.concat([uint(1, Buffer.byteLength(value)), Buffer.from(value)]);
}

export function longText(value: string | Buffer): Buffer {
  return Buffer.concat([uint(4, Buffer.byteLength(value)), Buffer.from(value)]);
}

/** @param at where it begins */
export function textAt(bytes: Buffer, at: number): string {
  return bytes.toString('utf8', at + 1, at + 1 + bytes.readUInt8(at));
}
