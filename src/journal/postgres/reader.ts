import type { Entry } from '../../notification/entry.ts';
import type { JournalReader, OpenedReader, Query, Redeliveries, Resend } from '../reader.ts';
import { blockFrom, blockSize, likeOf, placeBefore } from './blocks.ts';
import type { Database, Queryable } from './connection.ts';
import { countsIn } from './delivery-counts.ts';
import { loggedDeliveriesOf, loggedSince } from './delivery-log.ts';
import { type EntryColumns, entryColumns, entryOf, namesLike } from './entries.ts';
import { outagesBetween } from './outages.ts';
import { search } from './search.ts';
import { selectionVersions } from './selections.ts';
import { summarise } from './summary.ts';

/** So many blocks are looked through by one statement, where hardly anything may fit. */
const blocksAtOnce = 32;

/** Reading beside daemons or without one, until it is closed; the connections go with it. */
export function openedReader(database: Database): OpenedReader {
  return { ...readerOf(database), close: () => database.close() };
}

/** All that is read of a journal. */
export function readerOf(database: Queryable): JournalReader {
  return {
    find: (query) => find(database, query),
    summary: () => summarise(database),
    search: (wanted) => search(database, wanted),
    resendsOf: (seq) => resendsOf(database, seq),
    redeliveriesOf: (seqs) => redeliveriesOf(database, seqs),
    deliveriesOf: (seq) => loggedDeliveriesOf(database, seq),
    loggedSince: () => loggedSince(database),
    selections: () => selectionVersions(database),
    counts: (per, since) => countsIn(database, per, since),
    outages: (since, until) => outagesBetween(database, since, until),
  };
}

/** Entries that fit, oldest first. Event names may be globs. */
async function find(database: Queryable, query: Query): Promise<Entry[]> {
  const { after = 0, since, limit } = query;
  if (query.after === undefined && since === undefined) return (await newest(database, query)).reverse();
  const from = since === undefined ? after : Math.max(after, await placeBefore(database, since));
  const names = query.events === undefined ? null : await namesLike(database, query.events);
  const isNarrow = query.events !== undefined || query.accounts !== undefined;
  const entries: Entry[] = [];
  let place = from + 1;
  for (;;) {
    // What fits all isn't looked for in parts: the first ones are all.
    const block = isNarrow ? await blockFrom(database, Math.floor(place / blockSize), names) : 0;
    if (block === null) return entries;
    place = Math.max(place, block * blockSize);
    const end = isNarrow ? (block + blocksAtOnce) * blockSize : Number.MAX_SAFE_INTEGER;
    const wanted = { ...query, from: place, end, limit: limit - entries.length };
    entries.push(...(await entriesWithin(database, wanted, 'ASC')));
    if (!isNarrow || entries.length >= limit) return entries;
    place = end;
  }
}

/** The newest first. */
async function newest(database: Queryable, query: Query): Promise<Entry[]> {
  const { accounts, events, limit } = query;
  if (accounts === undefined && events === undefined)
    return entriesWithin(database, { ...query, from: 0, end: Number.MAX_SAFE_INTEGER }, 'DESC');
  const found = await search(database, {
    since: 0,
    limit,
    ...(events && { events }),
    ...(accounts && { accounts }),
  });
  return [...found.entries];
}

/** @param wanted from one place to before another one */
async function entriesWithin(
  database: Queryable,
  wanted: Query & { readonly from: number; readonly end: number },
  order: 'ASC' | 'DESC',
): Promise<Entry[]> {
  const { from, end, since = null, events, accounts, limit } = wanted;
  const rows = await database.query<EntryColumns>(
    `SELECT ${entryColumns} FROM entries WHERE seq >= $1 AND seq < $2 AND ($3::bigint IS NULL OR received_at >= $3)
       AND ($4::text[] IS NULL OR event LIKE ANY ($4)) AND ($5::text[] IS NULL OR account_id = ANY ($5))
     ORDER BY seq ${order} LIMIT $6`,
    [from, end, since, events?.map(likeOf) ?? null, accounts ?? null, limit],
  );
  return rows.map(entryOf);
}

/** What is known by the id of the first one, and that one. */
async function resendsOf(database: Queryable, seq: number): Promise<Resend[]> {
  const rows = await database.query<{ id: string; received_at: number }>(
    `WITH one AS (SELECT coalesce(resend_of, id) AS first FROM entries WHERE seq = $1)
     SELECT e.id, e.received_at FROM one, LATERAL (
         SELECT i.seq FROM ids i WHERE i.id = one.first UNION SELECT r.seq FROM entries r WHERE r.resend_of = one.first OFFSET 0
       ) other, LATERAL (SELECT n.id, n.received_at FROM entries n WHERE n.seq = other.seq OFFSET 0) e
     WHERE other.seq <> $1 ORDER BY other.seq`,
    [seq],
  );
  return rows.map(({ id, received_at }) => ({ id, receivedAt: received_at }));
}

async function redeliveriesOf(database: Queryable, seqs: readonly number[]): Promise<Map<number, Redeliveries>> {
  const rows = await database.query<Redeliveries & { seq: number }>(
    'SELECT seq, count(*) AS count, max(received_at) AS last FROM redeliveries WHERE seq = ANY ($1::bigint[]) GROUP BY seq',
    [seqs],
  );
  return new Map(rows.map(({ seq, count, last }) => [seq, { count, last }]));
}
