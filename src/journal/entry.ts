import type { JsonObject } from '../common/json.ts';
import type { Notification, NotificationState, Problem, Secret } from '../kazoo/notification.ts';
import type { Entry } from '../notification/entry.ts';

/**
 * A parsed body of more characters is parsed anew each time that it is asked for: as objects it may take twenty times as
 * much memory, and entries are held for as long as a sink is away.
 */
const keptParsed = 8 * 1024;

/**
 * A class because there are tens of thousands a second: they share one shape and one getter. The body is parsed when
 * it is first asked for, which most routes don't.
 */
export class StoredEntry implements Entry {
  readonly seq: number;
  readonly id: string;
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
  readonly state: NotificationState;
  readonly problems: readonly Problem[];
  readonly resendOf: string | null;
  readonly json: string;
  readonly secrets: readonly Secret[];
  #data: JsonObject | null | undefined;

  /** The entry that a notification is, or would be, in the journal. */
  static of(notification: Notification, seq: number, resendOf: string | null): StoredEntry {
    return new StoredEntry(
      seq,
      notification.id,
      notification.event,
      notification.known,
      notification.category,
      notification.accountId,
      notification.zone,
      notification.node,
      notification.occurredAt,
      notification.receivedAt,
      notification.routingKey,
      notification.preview,
      notification.state,
      notification.problems,
      resendOf,
      notification.json,
      notification.secrets,
    );
  }

  constructor(
    seq: number,
    id: string,
    event: string | null,
    known: boolean,
    category: string | null,
    accountId: string | null,
    zone: string,
    node: string | null,
    occurredAt: number,
    receivedAt: number,
    routingKey: string,
    preview: boolean,
    state: NotificationState,
    problems: readonly Problem[],
    resendOf: string | null,
    json: string,
    secrets: readonly Secret[],
  ) {
    this.seq = seq;
    this.id = id;
    this.event = event;
    this.known = known;
    this.category = category;
    this.accountId = accountId;
    this.zone = zone;
    this.node = node;
    this.occurredAt = occurredAt;
    this.receivedAt = receivedAt;
    this.routingKey = routingKey;
    this.preview = preview;
    this.state = state;
    this.problems = problems;
    this.resendOf = resendOf;
    this.json = json;
    this.secrets = secrets;
  }

  get data(): JsonObject | null {
    if (this.#data !== undefined) return this.#data;
    const data = JSON.parse(this.json) as JsonObject | null; // the text of an object, or of null
    if (this.json.length <= keptParsed) this.#data = data;
    return data;
  }
}
