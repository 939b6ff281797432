import type { RawMessage } from '../kazoo/notification.ts';
import type { Delivered } from './receiver.ts';

/** A message that isn't in the journal yet. A class, because it lives as long as a batch: see `Decoded`. */
export class ReceivedMessage implements RawMessage {
  readonly body: Uint8Array;
  readonly digest: string | undefined;
  readonly routingKey: string;
  readonly contentEncoding: string | undefined;
  readonly messageId: string | undefined;
  readonly timestamp: number | undefined;
  readonly zone: string;
  readonly receivedAt: number;
  readonly deliveryTag: number;

  constructor(delivered: Delivered, zone: string, receivedAt: number) {
    this.body = delivered.body;
    this.digest = delivered.digest;
    this.routingKey = delivered.routingKey;
    this.contentEncoding = delivered.contentEncoding;
    this.messageId = delivered.messageId;
    this.timestamp = delivered.timestamp;
    this.zone = zone;
    this.receivedAt = receivedAt;
    this.deliveryTag = delivered.deliveryTag;
  }
}
