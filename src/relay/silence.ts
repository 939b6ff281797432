import type { Journal } from '../journal/journal.ts';
import type { Outage } from '../journal/reader.ts';
import { relayCategory } from '../kazoo/relay-events.ts';
import type { Entry } from '../notification/entry.ts';

/** Something that comes from time to time, as it is found in the journal. */
export interface Awaited {
  /** Names and globs; undefined is any but the daemon's own. */
  readonly events?: readonly string[];
  readonly zone: string | undefined;
  /** The longest time without it, in milliseconds. */
  readonly within: number;
  isOne(entry: Entry): boolean;
  /** Whether a time, in Unix milliseconds, counts. */
  isCounted(time: number): boolean;
  /** Whether time counts in which nothing could come in. */
  countsIn(outage: Outage): boolean;
  /** Whether this is the event that reported the absence. */
  isTold(data: object): boolean;
}

/** What is known of a silence that began before the daemon did. */
export interface Past {
  /** When the last one came, in Unix milliseconds. */
  readonly since: number;
  /** How long it has been silent since, as far as that counts, in milliseconds. */
  readonly lasted: number;
  readonly isTold: boolean;
}

/** The silence of something that usually comes from time to time. */
export class Silence {
  #count: number;
  #since: number;
  #lookedAt: number | undefined;
  /** How long it was silent while it counts, in milliseconds. */
  #lasted: number;
  #isTold: boolean;

  constructor(past?: Past) {
    // Any arrival since the start ends the previous silence.
    this.#count = past === undefined ? -1 : 0;
    this.#since = past?.since ?? 0;
    this.#lasted = past?.lasted ?? 0;
    this.#isTold = past?.isTold ?? false;
  }

  /** The absence was reported, and nothing has come since. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /**
   * Since when nothing has come, in Unix milliseconds; null while there is nothing to tell.
   * @param isCounted whether the time since the last look counts
   */
  look(count: number, isCounted: boolean, within: number, monotonic: number, now: number): number | null {
    if (count !== this.#count) {
      this.#count = count;
      this.#since = now;
      this.#lasted = 0;
      this.#isTold = false;
    } else if (isCounted) this.#lasted += monotonic - (this.#lookedAt ?? monotonic);
    this.#lookedAt = monotonic;
    if (this.#isTold || this.#lasted < within) return null;
    this.#isTold = true;
    return this.#since;
  }
}

/** What has waited on the broker meanwhile comes first: a silence is told no sooner than so long after the start. */
const grace = 60_000;

/** How many are looked at for one that counts. */
const mostEntries = 50;

/**
 * Looks up when one came last. Where there is none as far back as the journal is searched, it is silent since then; from a
 * zone of which the journal has nothing at all, from now on.
 * @param now Unix milliseconds
 */
export async function pastOf(awaited: Awaited, journal: Journal, now: number): Promise<Past> {
  const { events, zone, within } = awaited;
  const zones = zone === undefined ? {} : { zones: [zone] };
  const { entries, searchedTo } = await journal.search({ ...zones, ...(events && { events }), limit: mostEntries });
  const last = entries.find((entry) => entry.header.category !== relayCategory && awaited.isOne(entry));
  const isNew =
    last === undefined && zone !== undefined && (await journal.search({ ...zones, limit: 1 })).entries.length === 0;
  const since = last?.header.receivedAt ?? (isNew ? null : searchedTo) ?? now;
  // A stop that has just ended is written then at the latest.
  journal.look();
  const outages = (await journal.outages(since, now)).filter((outage) => !awaited.countsIn(outage));
  const told = await journal.search({ events: ['relay_nothing_comes'], since, limit: mostEntries });
  return {
    since,
    lasted: Math.min(lasting(since, now, awaited, pausesIn(outages, now)), Math.max(0, within - grace)),
    isTold: told.entries.some(({ data }) => typeof data === 'object' && data !== null && awaited.isTold(data)),
  };
}

interface Pause {
  readonly since: number;
  until: number;
}

/** Outages, oldest first, as spans of time that don't touch each other. */
function pausesIn(outages: readonly Outage[], now: number): Pause[] {
  const pauses: Pause[] = [];
  for (const { since, until } of outages) {
    const last = pauses.at(-1);
    if (last === undefined || last.until < since) pauses.push({ since, until: until ?? now });
    else last.until = Math.max(last.until, until ?? now);
  }
  return pauses;
}

const minute = 60_000;

/** How much of the time up to now counts, minute by minute: no more than is asked for, and of the last 100 days. */
function lasting(since: number, now: number, { within, isCounted }: Awaited, pauses: readonly Pause[]): number {
  let lasted = 0;
  let last = pauses.length - 1;
  for (let time = now - minute; time >= since && lasted < within && now - time < 100 * 1_440 * minute; time -= minute) {
    while ((pauses[last]?.since ?? 0) > time) last -= 1;
    if (time >= (pauses[last]?.until ?? 0) && isCounted(time)) lasted += minute;
  }
  return lasted;
}
