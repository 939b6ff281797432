/** One frame of AMQP 0-9-1. @param type 1 for a method, 2 for a message's properties, 3 for its body */
export function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

/** The payload of `basic.publish`. */
export function publishMethod(exchange: string, routingKey: string): Buffer {
  return Buffer.concat([Buffer.from([0, 60, 0, 40, 0, 0]), short(exchange), short(routingKey), Buffer.from([0])]);
}

/** The payload of `basic.deliver`. */
export function deliverMethod(deliveryTag: number, routingKey: string): Buffer {
  const tag = Buffer.alloc(9);
  tag.writeBigUInt64BE(BigInt(deliveryTag));
  const [consumer, exchange, key] = [short('consumer'), short('notifications'), short(routingKey)];
  return Buffer.concat([Buffer.from([0, 60, 0, 60]), consumer, tag, exchange, key]);
}

/** The payload of a message's second frame. @param size of its body in bytes */
export function contentHeader(size: number, flags: number, properties: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head.writeUInt16BE(60, 0);
  head.writeBigUInt64BE(BigInt(size), 4);
  head.writeUInt16BE(flags, 12);
  return Buffer.concat([head, properties]);
}

/** A text of up to 255 bytes, as it stands in methods and properties. */
export function short(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
