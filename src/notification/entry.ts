import type { JsonObject } from '../common/json.ts';
import type { Notification } from '../kazoo/notification.ts';

/** A notification in the journal. */
export interface Entry extends Omit<Notification, 'raw' | 'fingerprint' | 'ownTime' | 'unknownFields'> {
  /** Its place: entries are numbered in the order of their commit, with gaps. */
  readonly seq: number;
  /** The `id` of the first one of which KAZOO published this one again, else null. */
  readonly resendOf: string | null;
  /** What `json` says, parsed when it is first asked for; null where the body couldn't be decoded. */
  readonly data: JsonObject | null;
}

/** What a reader cares for; reading may leave out anything else. Empty lists are all. */
export interface Interest {
  /** Names of the catalogue, and globs. */
  readonly events: readonly string[];
  readonly accounts: readonly string[];
  /** Whether an event is among `events`; null is that of an entry without one. */
  isWantedEvent(event: string | null): boolean;
}
