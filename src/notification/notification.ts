import type { Json, JsonObject } from '../common/json.ts';
import type { Header } from './header.ts';

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
export interface Message {
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
 * The state of a notification's body:
 * `valid`: it fits the schema of its event; `invalid`: it doesn't; `undecodable`: it isn't a JSON object.
 */
export type NotificationState = 'valid' | 'invalid' | 'undecodable';

/** One notification on its way to the journal; a class for the reason that `Header` is one. */
export class Notification {
  readonly header: Header;
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
  /** With `problems`, what decoding and then validation have found. */
  state: NotificationState;
  problems: readonly Problem[];
  /**
   * JSON Pointers to the fields of its body that no schema of its event has, 20 at most; null where no schema is for its
   * event.
   */
  unknownFields: readonly string[] | null;
  /** The normalised body; null where it couldn't be decoded, and after `redact`, which releases it. */
  data: JsonObject | null;
  /** The same as JSON text on one line, after `redact` with its secrets replaced; `null` where it couldn't be decoded. */
  json: string;
  /** The secrets that some route reveals: their paths in the body, and their values. */
  secrets: readonly Secret[];
  /** The first 64 KiB of a body that couldn't be decoded, else null. */
  readonly raw: Uint8Array | null;
  /** False where there is no secret but those that the catalogue marks. */
  readonly mayHoldSecrets: boolean;

  constructor(fields: Notification) {
    this.header = fields.header;
    this.fingerprint = fields.fingerprint;
    this.ownTime = fields.ownTime;
    this.state = fields.state;
    this.problems = fields.problems;
    this.unknownFields = fields.unknownFields;
    this.data = fields.data;
    this.json = fields.json;
    this.secrets = fields.secrets;
    this.raw = fields.raw;
    this.mayHoldSecrets = fields.mayHoldSecrets;
  }
}

export interface Secret {
  /** Keys (and array indices as strings) that lead from the body to the value. */
  readonly path: readonly string[];
  readonly value: Json;
}

/** The replacement of a secret, in the journal and at every sink without `reveal`. */
export const redacted = '[redacted]';
