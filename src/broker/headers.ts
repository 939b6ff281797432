import type { ChannelModel } from 'amqplib';

/** The part of amqplib's connection that reads frames; it isn't in its types. */
interface FrameReader {
  /** Bytes that were read from the socket and not yet taken as frames. */
  rest: Buffer;
  recvFrame(): unknown;
}

/**
 * Makes a connection survive a message whose properties amqplib can't decode, such as a header table nested ten
 * thousand deep, which overflows its stack. It would end the connection, come again on the next one, and so stop intake
 * for good. The message is taken without its properties instead: the body is what counts, and KAZOO sends no headers.
 */
export function tolerateUnreadableProperties(model: ChannelModel): void {
  const reader = model.connection as unknown as FrameReader; // held to be true by the test that sends such a message
  const recvFrame = reader.recvFrame;
  reader.recvFrame = () => {
    const frame = reader.rest;
    try {
      return recvFrame.call(reader);
    } catch (error) {
      // A frame that has been taken out of `rest` was read: it is its content that couldn't be decoded.
      if (reader.rest === frame || !isWholeContentHeader(frame)) throw error;
      return { id: basicClass, channel: frame.readUInt16BE(1), size: Number(frame.readBigUInt64BE(11)), fields: {} };
    }
  };
}

/** The class of AMQP 0-9-1 that messages belong to. */
const basicClass = 60;

/** A frame is its type (2 has a message's size and properties), channel, payload size, payload, and an end mark. */
function isWholeContentHeader(bytes: Buffer): boolean {
  return bytes.length >= 7 && bytes[0] === 2 && bytes.length >= 7 + bytes.readUInt32BE(3) + 1;
}
