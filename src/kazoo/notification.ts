import type { Json } from '../common/json.ts';

/** One thing that is wrong with a notification, found by decoding or by its JSON Schema. */
export interface Problem {
  /** JSON Pointer into the normalised body; `''` is the body as a whole. */
  readonly path: string;
  readonly message: string;
  /**
   * The JSON Schema keyword that failed, or the decoder's own word (`encoding`, `json`, `depth`, `duplicateKey`, …).
   */
  readonly keyword: string;
}

/** A message as the broker handed it over. */
export interface RawMessage {
  /** All of it, or the beginning of one that is too large to be decoded. */
  readonly body: Uint8Array;
  /** Where `body` is only the beginning: the SHA-256 of all of it, in hex. */
  readonly digest?: string | undefined;
  readonly routingKey: string;
  readonly contentEncoding: string | undefined;
  /**
   * The AMQP `message_id`, a character for each of its bytes, whatever they are: it is only compared. KAZOO sends none.
   */
  readonly messageId?: string | undefined;
  /** The AMQP `timestamp` property as sent: KAZOO puts microseconds since year 0 there. */
  readonly timestamp: number | undefined;
  /** The zone of the connection it came in on; the body doesn't say it. */
  readonly zone: string;
  /** Unix time in milliseconds. */
  readonly receivedAt: number;
}

/**
 * What is known of a notification's body:
 * `valid`: it fits the schema of its event; `invalid`: it doesn't; `undecodable`: it isn't even a JSON object.
 */
export type NotificationState = 'valid' | 'invalid' | 'undecodable';

/** One notification, as intake hands it to the journal. Times are Unix milliseconds. */
export interface Notification {
  /**
   * UUID version 8: the AMQP timestamp in milliseconds, then a hash of the raw body, and of the `message_id` where the
   * message has one. A redelivery has the same.
   */
  readonly id: string;
  /**
   * Hash of the body without the keys that a KAZOO resend changes: 22 characters of base64url; empty where `ownTime` is
   * null.
   */
  readonly fingerprint: string;
  /**
   * The body's own time in milliseconds, or 0 where it has none but names a call: together with the fingerprint it
   * identifies the occurrence. `null` where KAZOO doesn't publish it again, or where an equal body may truly be a
   * second occurrence (`low_balance`).
   */
  readonly ownTime: number | null;
  /** The catalogue's name (never an alias), the name as sent where the catalogue doesn't know it, or null. */
  readonly event: string | null;
  /** True where the catalogue has `event`. */
  readonly known: boolean;
  readonly category: string | null;
  readonly accountId: string | null;
  readonly zone: string;
  readonly node: string | null;
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly routingKey: string;
  /** True for KAZOO's e-mail template previews, which are no events. */
  readonly preview: boolean;
  readonly state: NotificationState;
  readonly problems: readonly Problem[];
  /**
   * JSON Pointers to the fields of its body that no schema of its event has, 20 at most; null where no schema is for its
   * event.
   */
  readonly unknownFields: readonly string[] | null;
  /** The normalised body, secrets replaced, as JSON text on one line; `null` where it couldn't be decoded. */
  readonly json: string;
  /** Secrets that some route reveals: where they belong in the body, and what stood there. */
  readonly secrets: readonly Secret[];
  /** The first 64 KiB of a body that couldn't be decoded, else null. */
  readonly raw: Uint8Array | null;
}

export interface Secret {
  /** Keys (and array indices as strings) that lead from the body to the value. */
  readonly path: readonly string[];
  readonly value: Json;
}

/** What stands in the place of a secret, in the journal and at every sink that isn't told otherwise. */
export const redacted = '[redacted]';
