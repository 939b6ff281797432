import type { JsonObject } from '../common/json.ts';
import type { Header } from './header.ts';
import type { Notification, NotificationState, Problem, Secret } from './notification.ts';

/**
 * A notification in the journal. A class because there are tens of thousands a second: they share one shape and one
 * getter.
 */
export class Entry {
  /** Its place: entries are numbered in the order of their commit, with gaps. */
  readonly seq: number;
  /** The `id` of the first one of which KAZOO published this one again, else null. */
  readonly resendOf: string | null;
  readonly header: Header;
  readonly state: NotificationState;
  readonly problems: readonly Problem[];
  readonly json: string;
  readonly secrets: readonly Secret[];
  #data: JsonObject | null | undefined;

  constructor(seq: number, resendOf: string | null, content: Content) {
    this.seq = seq;
    this.resendOf = resendOf;
    this.header = content.header;
    this.state = content.state;
    this.problems = content.problems;
    this.json = content.json;
    this.secrets = content.secrets;
  }

  /**
   * What `json` says, parsed when it is first asked for, which most routes don't; null where the body couldn't be
   * decoded.
   */
  get data(): JsonObject | null {
    if (this.#data !== undefined) return this.#data;
    const data = JSON.parse(this.json) as JsonObject | null; // the text of an object, or of null
    if (this.json.length <= keptParsed) this.#data = data;
    return data;
  }
}

/** What an entry takes beside its body: its fields, and those of its delivery. */
const ownBytes = 512;

/** Its memory, approximately. */
export function bytesOf({ json }: Pick<Entry, 'json'>): number {
  return json.length + ownBytes;
}

/** What of a notification is for those who read the journal. */
type Content = Readonly<Pick<Notification, 'header' | 'state' | 'problems' | 'json' | 'secrets'>>;

/**
 * A parsed body of more characters is parsed anew each time that it is asked for: as objects it may take twenty times as
 * much memory, and entries are held for as long as a sink is away.
 */
const keptParsed = 8 * 1024;

/** What a reader cares for; reading may leave out anything else. Empty lists are all. */
export interface Interest {
  /** Names of the catalogue, and globs. */
  readonly events: readonly string[];
  readonly accounts: readonly string[];
  /** Whether an event is among `events`; null is that of an entry without one. */
  isWantedEvent(event: string | null): boolean;
}
