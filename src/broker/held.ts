import type { RawMessage } from '../kazoo/notification.ts';

/** A message that isn't in the journal yet. A class, because it lives as long as a batch: see `Decoded`. */
export class Held implements RawMessage {
  readonly body: Uint8Array;
  readonly routingKey: string;
  readonly contentEncoding: string | undefined;
  readonly timestamp: number | undefined;
  readonly zone: string;
  readonly receivedAt: number;
  readonly deliveryTag: number;

  constructor(message: RawMessage, deliveryTag: number) {
    this.body = message.body;
    this.routingKey = message.routingKey;
    this.contentEncoding = message.contentEncoding;
    this.timestamp = message.timestamp;
    this.zone = message.zone;
    this.receivedAt = message.receivedAt;
    this.deliveryTag = deliveryTag;
  }
}
