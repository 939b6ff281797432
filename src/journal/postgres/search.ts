import type { Entry } from '../../notification/entry.ts';
import type { Found, Search } from '../reader.ts';
import { bodyFilter, textsOf } from '../search.ts';
import { blockSize, blocksBefore, likeOf, placeBefore } from './blocks.ts';
import type { Queryable } from './connection.ts';
import { type EntryColumns, entryColumns, entryOf, namesLike } from './entries.ts';

/** So many blocks of entries are read where nobody says how far to look back. */
const mostBlocks = 64;

/** Bodies of so many bytes are read at a time, and one that goes beyond. */
const maxBytes = 4 * 1024 * 1024;

/** How many blocks are looked up at a time. */
const blocksAtOnce = 16;
const beyondAll = 2 ** 40;

/**
 * Looks back from the newest entry, block by block, so that no statement takes long. Blocks without the events that are
 * looked for are passed over, and cost nothing.
 */
export async function search(database: Queryable, wanted: Search): Promise<Found> {
  const { since = 0, limit } = wanted;
  const names = wanted.events === undefined ? null : await namesLike(database, wanted.events);
  // What came before that time may be behind it too, but not the other way round.
  const from = since > 0 ? (await placeBefore(database, since)) + 1 : 0;
  const fits = bodyFilter(wanted);
  const entries: Entry[] = [];
  let read = 0;
  let lowest: number | null = null;
  for await (const block of blocksBack(database, names)) {
    const first = block * blockSize;
    if (first + blockSize <= from) break;
    if (wanted.since === undefined && read === mostBlocks)
      return { entries, searchedTo: await searchedTo(database, lowest, since), more: true };
    for await (const entry of newestIn(database, Math.max(first, from), first + blockSize, wanted)) {
      if (!fits(entry)) continue;
      entries.push(entry);
      if (entries.length === limit) return { entries, searchedTo: entry.header.receivedAt, more: true };
    }
    read += 1;
    lowest = first;
  }
  return { entries, searchedTo: await searchedTo(database, lowest, since), more: false };
}

/** Blocks in which any of these events is, the newest first. */
async function* blocksBack(database: Queryable, events: readonly string[] | null): AsyncGenerator<number> {
  for (let block: number | undefined = beyondAll; block !== undefined; ) {
    const blocks = await blocksBefore(database, block, events, blocksAtOnce);
    yield* blocks;
    block = blocks.at(-1);
  }
}

/** When the first one from a place on came, or the time from which on was searched, in Unix milliseconds. */
async function searchedTo(database: Queryable, place: number | null, since: number): Promise<number | null> {
  if (place === null) return null;
  const [row] = await database.query<{ received_at: number }>(
    'SELECT received_at FROM entries WHERE seq >= $1 ORDER BY seq LIMIT 1',
    [place],
  );
  return Math.max(since, row?.received_at ?? since);
}

/** From one place to before another one, the newest first. */
async function* newestIn(database: Queryable, from: number, end: number, wanted: Search): AsyncGenerator<Entry> {
  const conditions = [wanted.events?.map(likeOf) ?? null, wanted.accounts ?? null, textsOf(wanted)];
  for (let before = end; ; ) {
    const rows = await database.query<EntryColumns & { readonly left: number }>(
      `SELECT ${entryColumns}, "left" FROM (
         SELECT *, sum(octet_length(data)) OVER (ORDER BY seq DESC) - octet_length(data) AS earlier, count(*) OVER () AS "left"
         FROM entries WHERE seq >= $1 AND seq < $2 AND received_at >= $3
           AND ($4::text[] IS NULL OR event LIKE ANY ($4)) AND ($5::text[] IS NULL OR account_id = ANY ($5))
           AND NOT EXISTS (SELECT FROM unnest($6::text[]) wanted (value) WHERE strpos(data, wanted.value) = 0)
       ) fitting WHERE earlier < ${maxBytes} ORDER BY seq DESC`,
      [from, before, wanted.since ?? 0, ...conditions],
    );
    for (const row of rows) yield entryOf(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length >= last.left) return;
    before = last.seq;
  }
}
