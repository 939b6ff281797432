import type { Appended } from './append.ts';
import type { Link } from './link.ts';

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
  #timeline: string | undefined;
  #head: number;
  /** The newest entry that this daemon has appended. */
  #newest: { readonly seq: number; readonly id: string } | undefined;

  constructor(head: number, onLost: (span: LostSpan) => void) {
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

  /** Before anything else is done on a connection. @throws as `Link#query` */
  async look(link: Link): Promise<void> {
    // What is appended while this is asked for may not be in the answer.
    const [head, newest] = [this.#head, this.#newest];
    const [found] = await link.query<Found>(look, [newest?.seq ?? 0]);
    if (found === undefined) return;
    // Where there is none, it was removed since.
    const isOther = found.id !== null && found.id !== newest?.id && link.timeline !== this.#timeline;
    this.#timeline = link.timeline;
    if (found.timeline !== link.timeline) await link.query(add, [link.timeline, found.head]);
    // Another connection may have found it meanwhile.
    if ((found.head >= head || this.#head < head) && !(isOther && newest === this.#newest)) return;
    const span = { head: found.head, last: Math.max(this.#head, newest?.seq ?? 0) };
    this.#head = found.head;
    this.#newest = undefined;
    this.#onLost(span);
  }
}

interface Found {
  readonly head: number;
  readonly timeline: string | null;
  readonly id: string | null;
}

const look = `SELECT (SELECT last FROM appends ORDER BY last DESC LIMIT 1) AS head,
  (SELECT timeline FROM generations ORDER BY generation DESC LIMIT 1) AS timeline,
  (SELECT id FROM entries WHERE seq = $1 LIMIT 1) AS id`;

/** Whoever comes first says it. */
const add = `INSERT INTO generations (generation, timeline, first)
  SELECT coalesce(max(generation), 0) + 1, $1, $2::bigint + 1 FROM generations HAVING bool_and(timeline <> $1) IS NOT FALSE
  ON CONFLICT DO NOTHING`;
