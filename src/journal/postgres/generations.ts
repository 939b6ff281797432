import type { Appended } from './append.ts';
import { type Lane, StoreAway } from './connection.ts';
import type { Link, Queryable } from './link.ts';

/** What was confirmed, and the server that is the primary now has not. */
export interface LostSpan {
  /** The newest entry that is left. */
  readonly head: number;
  /** The newest one that there was. */
  readonly last: number;
}

/**
 * Looks, whenever a connection is made, whether the log is as long as it was. It isn't where a standby that had not
 * everything has become the primary: then numbers are given anew, and nothing that is known of places may be used. A row of
 * `generations` tells from which place on.
 */
export class Generations {
  readonly #onLost: (span: LostSpan) => void;
  #timeline: string;
  #head: number;
  /** How often the log went back. */
  #losses = 0;
  /** The newest entry that this daemon has appended. */
  #newest: { readonly seq: number; readonly id: string } | undefined;

  constructor(timeline: string, head: number, onLost: (span: LostSpan) => void) {
    this.#timeline = timeline;
    this.#head = head;
    this.#onLost = onLost;
  }

  /** This daemon has appended, and it was confirmed. */
  appended({ fresh }: Appended): void {
    const newest = fresh.at(-1);
    if (newest === undefined) return;
    this.#newest = { seq: newest.seq, id: newest.header.id };
    this.seen(newest.seq);
  }

  /** So much was there. */
  seen(head: number): void {
    this.#head = Math.max(this.#head, head);
  }

  /** For calls that tell of places: one that waited for a connection is not made on a server that gives them anew. */
  fenced(lane: Lane): Queryable {
    return {
      query: (text, values) => {
        const before = this.#losses;
        return lane.using((link) => {
          if (this.#losses !== before) throw new StoreAway('the database lacks what this is about');
          return link.query(text, values);
        });
      },
    };
  }

  /** Before anything else is done on a connection. @throws as `Link#query` */
  async look(link: Link): Promise<void> {
    // What is appended while this is asked for may not be in the answer.
    const [head, newest] = [this.#head, this.#newest];
    const [found] = await link.query<Found>(look, [newest?.seq ?? 0]);
    if (found === undefined) return;
    const isOtherServer = link.timeline !== this.#timeline;
    this.#timeline = link.timeline;
    if (found.timeline !== link.timeline) await link.query(add, [link.timeline, found.head]);
    const first = found.timeline === link.timeline ? (found.first ?? 1) : found.head + 1;
    // Others may have appended there since: then it is told by where that began, or by what stands in the place of ours.
    const isOther = newest === this.#newest && found.id !== null && found.id !== newest?.id;
    const isGivenAnew = isOtherServer && (isOther || first <= head);
    // Another connection may have found it meanwhile.
    if (!(found.head < head || isGivenAnew) || this.#head < head) return;
    const left = isGivenAnew ? Math.min(found.head, first - 1) : found.head;
    const span = { head: left, last: Math.max(this.#head, newest?.seq ?? 0) };
    this.#head = found.head;
    this.#newest = undefined;
    this.#losses += 1;
    this.#onLost(span);
  }
}

interface Found {
  readonly head: number;
  /** Of the newest generation. */
  readonly timeline: string | null;
  readonly first: number | null;
  /** What stands in the place of the newest one of this daemon; null where it was removed since. */
  readonly id: string | null;
}

const look = `SELECT (SELECT last FROM appends ORDER BY last DESC LIMIT 1) AS head,
  (SELECT timeline FROM generations ORDER BY generation DESC LIMIT 1) AS timeline,
  (SELECT first FROM generations ORDER BY generation DESC LIMIT 1) AS first,
  (SELECT id FROM entries WHERE seq = $1 LIMIT 1) AS id`;

/** Whoever comes first says it. */
const add = `INSERT INTO generations (generation, timeline, first)
  SELECT coalesce(max(generation), 0) + 1, $1, $2::bigint + 1 FROM generations HAVING bool_and(timeline <> $1) IS NOT FALSE
  ON CONFLICT DO NOTHING`;
