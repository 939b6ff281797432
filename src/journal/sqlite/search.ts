import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Entry } from '../../notification/entry.ts';
import type { Found, Search } from '../reader.ts';
import { bodyFilter, textsOf } from '../search.ts';
import { blockSize } from './block-index.ts';
import { entryColumns, entryOf, prepareEntries } from './rows.ts';

/** So many blocks of entries are read where nobody says how far to look back. */
const mostBlocks = 64;

/**
 * Looks back from the newest entry, block by block, so that what reads on beside it is never kept waiting. Blocks without
 * the events that are looked for are passed over, and cost nothing.
 */
export async function search(database: DatabaseSync, wanted: Search): Promise<Found> {
  const { events, accounts, zones, since = 0, limit } = wanted;
  const globs = listOf(events?.map(sqliteGlob));
  const nextBlock = database.prepare(`
    SELECT block FROM blocks b WHERE block < ?1 AND newest >= ?2 AND (?3 IS NULL OR EXISTS (
      SELECT 1 FROM block_events e, json_each(?3) w WHERE e.block = b.block AND e.event GLOB w.value))
    ORDER BY block DESC LIMIT 1`);
  const inBlock = prepareEntries(
    database,
    `SELECT ${entryColumns} FROM entries WHERE seq BETWEEN ?1 AND ?2 AND received_at >= ?3
       AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(?4) WHERE event GLOB value))
       AND (?5 IS NULL OR account_id IN (SELECT value FROM json_each(?5)))
       AND (?6 IS NULL OR zone IN (SELECT value FROM json_each(?6)))
       AND NOT EXISTS (SELECT 1 FROM json_each(?7) WHERE instr(data, value) = 0)
     ORDER BY seq DESC`,
  );
  const firstIn = database.prepare('SELECT received_at FROM notifications WHERE seq >= ? ORDER BY seq LIMIT 1');
  const fits = bodyFilter(wanted);
  const conditions = [since, globs, listOf(accounts), listOf(zones), JSON.stringify(textsOf(wanted))];
  const before = (block: number) => nextBlock.get(block, since, globs)?.block;
  const entries: Entry[] = [];
  let searchedTo: number | null = null;
  let block = before(Number.MAX_SAFE_INTEGER);
  for (let read = 0; typeof block === 'number'; read += 1) {
    if (wanted.since === undefined && read === mostBlocks) return { entries, searchedTo, more: true };
    const first = block * blockSize;
    for (const row of inBlock.iterate(first, first + blockSize - 1, ...conditions)) {
      const entry = entryOf(row);
      if (!fits(entry)) continue;
      entries.push(entry);
      if (entries.length === limit) return { entries, searchedTo: entry.header.receivedAt, more: true };
    }
    searchedTo = Math.max(since, Number(firstIn.get(first)?.received_at));
    await nextTurn();
    block = before(block);
  }
  return { entries, searchedTo, more: false };
}

function listOf(values: readonly string[] | undefined): string | null {
  return values === undefined ? null : JSON.stringify(values);
}

/** GLOB gives more characters a meaning than our patterns do. */
export function sqliteGlob(pattern: string): string {
  return pattern.replace(/[?[]/g, '[$&]');
}
