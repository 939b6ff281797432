import type { JsonObject, Notification, NotificationState, Problem, Secret } from './notification.ts';

/**
 * A notification on its way to the journal: what validation and redaction still change can be written to.
 *
 * A class, because V8 learns of a literal how long its objects live. At the start, when it collects garbage every few
 * messages, those of a batch all outlive that; and it would make them among the old ones from then on, where even the
 * dead keep alive what they refer to.
 */
export class Decoded implements Notification {
  readonly id: string;
  readonly fingerprint: string;
  readonly ownTime: number | null;
  readonly event: string | null;
  readonly known: boolean;
  readonly category: string | null;
  readonly accountId: string | null;
  readonly zone: string;
  readonly node: string | null;
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly routingKey: string;
  readonly preview: boolean;
  state: NotificationState;
  problems: readonly Problem[];
  /** The normalised body; null where it couldn't be decoded, and once `redact` has let go of it. */
  data: JsonObject | null;
  json: string;
  secrets: readonly Secret[];
  readonly raw: Uint8Array | null;
  /** False where there is no secret but those that the catalogue marks. */
  readonly mayHoldSecrets: boolean;

  constructor(fields: Decoded) {
    this.id = fields.id;
    this.fingerprint = fields.fingerprint;
    this.ownTime = fields.ownTime;
    this.event = fields.event;
    this.known = fields.known;
    this.category = fields.category;
    this.accountId = fields.accountId;
    this.zone = fields.zone;
    this.node = fields.node;
    this.occurredAt = fields.occurredAt;
    this.receivedAt = fields.receivedAt;
    this.routingKey = fields.routingKey;
    this.preview = fields.preview;
    this.state = fields.state;
    this.problems = fields.problems;
    this.data = fields.data;
    this.json = fields.json;
    this.secrets = fields.secrets;
    this.raw = fields.raw;
    this.mayHoldSecrets = fields.mayHoldSecrets;
  }
}
