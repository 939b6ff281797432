import { globToRegExp } from '../../common/text/patterns.ts';
import { type Entry, type Interest, ownBytes } from '../../notification/entry.ts';
import { entryIn } from '../entry-head.ts';
import { Portion } from '../portion.ts';
import type { Page } from '../route-session.ts';
import { blockSize } from './blocks.ts';
import type { Queryable } from './connection.ts';

/** The columns of an entry, as `entryOf` takes them. */
export const entryColumns = 'seq, id, occurred_at, received_at, origin, resend_of, head, data';

export interface EntryColumns {
  readonly seq: number;
  readonly id: string;
  readonly occurred_at: number;
  readonly received_at: number;
  /** The number of the daemon that has taken it. */
  readonly origin: number;
  readonly resend_of: string | null;
  readonly head: string;
  readonly data: string;
}

/** @throws SyntaxError where its head was overwritten */
export function entryOf({ seq, id, occurred_at, received_at, resend_of, head, data }: EntryColumns): Entry {
  return entryIn([seq, id, occurred_at, received_at, head, data], resend_of);
}

/** What an entry takes in memory, in SQL: without unpacking its body. */
export const sizeInSql = `(octet_length(data) + ${ownBytes})`;

/** A part of the journal: the entries after `seq`, up to `last`; `limit` of them at most, and as many bytes. */
export interface Part {
  readonly seq: number;
  readonly last: number;
  readonly limit: number;
  readonly bytes: number | undefined;
  /** Those that this daemon took, by its number; null is all. */
  readonly origin: number | null;
}

/** All entries of a part, as rows: as many as there are at a time. */
export function readRows(
  database: Queryable,
  { seq, last, limit, bytes, origin }: Part,
): Promise<readonly EntryColumns[]> {
  return database.query<EntryColumns>(readThrough, [seq, last, limit, bytes, [], origin]);
}

/** With more names than this, looking each up costs more than reading through. */
const maxNames = 64;
const maxInvented = 1_000;

/** How many entries are looked through with one call, and how many blocks. */
const stride = 5_000;
const fewestBlocks = 2;
const mostBlocks = 128;

/**
 * The entries of a part that are of interest. Where events are named, an index leads to the blocks that have them, so that
 * one rare event among millions is found at once.
 */
export async function readPage(database: Queryable, part: Part, interest: Interest): Promise<Page> {
  const { events, accounts } = interest;
  // Near the end, reading through is less than looking names up.
  const isNear = part.last - part.seq <= blockSize;
  const names = events.length === 0 || isNear ? null : await namesLike(database, events);
  const page = new PageReader(database, part, accounts);
  return names !== null && names.length <= maxNames ? page.byEvent(names) : page.through();
}

/** The names in the journal that fit; null where there are too many to tell. */
export async function namesLike(database: Queryable, patterns: readonly string[]): Promise<string[] | null> {
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(globToRegExp);
  if (globs.length === 0) return [...patterns];
  const rows = await database.query<{ event: string }>(stepThroughNames, [maxInvented + 1]);
  // A broker that invents names without end must not stop us here.
  if (rows.length > maxInvented) return null;
  return rows
    .map(({ event }) => event)
    .filter((name) => patterns.includes(name) || globs.some((glob) => glob.test(name)));
}

/** From name to name along the index. */
const stepThroughNames = `
  WITH RECURSIVE names AS (
    (SELECT event FROM block_events ORDER BY event LIMIT 1)
    UNION ALL
    SELECT (SELECT event FROM block_events WHERE event > names.event ORDER BY event LIMIT 1) FROM names WHERE event IS NOT NULL
  )
  SELECT event FROM names WHERE event IS NOT NULL LIMIT $1`;

/** The first blocks of each name are among the first of all, or there are no more. */
const nextBlocks = `
  SELECT DISTINCT b.block FROM unnest($1::text[]) n(event)
    CROSS JOIN LATERAL (SELECT block FROM block_events e WHERE e.event = n.event AND block BETWEEN $2 AND $3 ORDER BY block LIMIT $4) b
  ORDER BY b.block LIMIT $4`;

/** Sorted and bounded before the bodies are read: their sizes tell where the bytes end. */
function bounded(rows: string): string {
  return `SELECT ${entryColumns}, size FROM (
      SELECT *, sum(size) OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM (${rows} ORDER BY seq LIMIT $3) page
    ) counted WHERE before IS NULL OR before < $4 ORDER BY seq`;
}

const wanted = `(cardinality($5::text[]) = 0 OR account_id = ANY ($5)) AND ($6::integer IS NULL OR origin = $6)`;

const readThrough = bounded(
  `SELECT ${entryColumns}, ${sizeInSql} AS size FROM entries WHERE seq > $1 AND seq <= $2 AND ${wanted}`,
);

// Block by block: else the plan would go through all of the log in its order.
const readBlocks = bounded(`
  SELECT e.* FROM unnest($7::bigint[]) b(block) CROSS JOIN LATERAL (
    SELECT ${entryColumns}, ${sizeInSql} AS size FROM entries
    WHERE seq > greatest($1, b.block * ${blockSize} - 1) AND seq <= least($2, b.block * ${blockSize} + ${blockSize - 1})
      AND event = ANY ($8::text[]) AND ${wanted} OFFSET 0
  ) e`);

class PageReader {
  readonly #database: Queryable;
  readonly #part: Part;
  readonly #accounts: readonly string[];
  readonly #entries: Entry[] = [];
  readonly #portion: Portion;

  constructor(database: Queryable, part: Part, accounts: readonly string[]) {
    this.#database = database;
    this.#part = part;
    this.#accounts = accounts;
    this.#portion = new Portion(part.limit, part.bytes);
  }

  /** Reads the blocks that have one of the events in them, and passes over all others. */
  async byEvent(names: readonly string[]): Promise<Page> {
    const { seq, last } = this.#part;
    let from = Math.floor(seq / blockSize);
    // Few at first: of a common event, the first ones fill the page.
    for (let count = fewestBlocks; ; count = Math.min(mostBlocks, count * 4)) {
      const rows = await this.#database.query<{ block: number }>(nextBlocks, [
        ...[names, from, Math.floor(last / blockSize), count],
      ]);
      const blocks = rows.map(({ block }) => block);
      if (blocks.length > 0 && (await this.#fill(readBlocks, seq, last, [blocks, names]))) return this.#endingAtLast();
      if (blocks.length < count) return this.#endingAt(last);
      from = (blocks.at(-1) ?? from) + 1;
    }
  }

  async through(): Promise<Page> {
    const { seq, last } = this.#part;
    for (let from = seq; from < last; from += stride) {
      if (await this.#fill(readThrough, from, Math.min(last, from + stride))) return this.#endingAtLast();
    }
    return this.#endingAt(last);
  }

  /** Takes rows until the page is full; returns whether it is. */
  async #fill(text: string, from: number, to: number, others: readonly unknown[] = []): Promise<boolean> {
    const { entries, bytes } = this.#portion;
    const rows = await this.#database.query<EntryColumns & { readonly size: number }>(text, [
      ...[from, to, entries, Math.max(1, bytes), this.#accounts, this.#part.origin, ...others],
    ]);
    for (const row of rows) {
      this.#entries.push(entryOf(row));
      if (this.#portion.isFullWithBytes(row.size)) return true;
    }
    return false;
  }

  #endingAt(through: number, more = false): Page {
    return { entries: this.#entries, through, more };
  }

  /** Ends it where the last entry stands that it has. */
  #endingAtLast(): Page {
    return this.#endingAt(this.#entries.at(-1)?.seq ?? 0, true);
  }
}
