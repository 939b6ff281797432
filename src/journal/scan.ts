import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { globToRegExp } from '../kazoo/glob.ts';
import { blockOf, blockSize } from './blocks.ts';
import type { Entry, Interest, Page } from './journal.ts';
import { type EntryRow, entryColumns, entryOf } from './rows.ts';

/** A page ends early when its bodies have this many characters. */
const maxCharacters = 4 * 1024 * 1024;

/** With more names than this, looking each up costs more than reading through. */
const maxNames = 64;

/** How many entries are looked at before others get their turn. */
const stride = 5_000;

/**
 * Reads from disk the entries after `seq` that are of interest, up to `last`. Where events are named, an index leads to
 * them, so that one rare event among millions is found at once.
 */
export async function scan(
  database: DatabaseSync,
  seq: number,
  last: number,
  limit: number,
  interest: Interest,
): Promise<Page> {
  const names = interest.events.length === 0 ? null : namesIn(database, interest.events);
  if (names !== null && names.length <= maxNames) return byEvent(database, names, seq, last, limit, interest.accounts);
  return through(database, seq, last, limit, interest.accounts);
}

/** The names in the journal that fit; null where there are too many to tell. */
function namesIn(database: DatabaseSync, patterns: readonly string[]): string[] | null {
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(globToRegExp);
  if (globs.length === 0) return [...patterns];
  const next = database.prepare('SELECT min(event) AS event FROM block_events WHERE event > ?');
  const names: string[] = [];
  // Steps from name to name along the index; a broker that invents names without end must not stop us here.
  for (let step = 0, name = next.get('')?.event; typeof name === 'string'; step += 1, name = next.get(name)?.event) {
    if (step > 1_000) return null;
    const found = name;
    if (patterns.includes(found) || globs.some((glob) => glob.test(found))) names.push(found);
  }
  return names;
}

/** Reads the blocks that have one of the events in them, and passes over all others. */
async function byEvent(
  database: DatabaseSync,
  names: readonly string[],
  seq: number,
  last: number,
  limit: number,
  accounts: readonly string[],
): Promise<Page> {
  const nextBlock = database.prepare('SELECT min(block) AS block FROM block_events WHERE event = ? AND block >= ?');
  const ofAccount = accounts.length === 0 ? '' : 'AND account_id IN (SELECT value FROM json_each(?4))';
  const select = database.prepare(`
    SELECT ${entryColumns} FROM notifications WHERE seq > ?1 AND seq <= ?2
      AND event IN (SELECT value FROM json_each(?3)) ${ofAccount} ORDER BY seq`);
  const wanted = [JSON.stringify(names), ...(accounts.length === 0 ? [] : [JSON.stringify(accounts)])];
  /** The first block, from a place on, of each name. */
  const ahead = new Map(names.map((name) => [name, -1]));
  const page = new PageBuilder(limit);
  for (let from = blockOf(seq); ; from += 1) {
    for (const [name, block] of ahead) {
      if (block >= from) continue;
      const found = nextBlock.get(name, from)?.block;
      if (typeof found === 'number') ahead.set(name, found);
      else ahead.delete(name);
    }
    from = Math.min(...ahead.values());
    if (from * blockSize > last) return page.endingAt(last);
    const [start, end] = [Math.max(seq, from * blockSize - 1), Math.min(last, (from + 1) * blockSize - 1)];
    for (const row of select.iterate(start, end, ...wanted)) {
      page.add(row as unknown as EntryRow); // the columns of entryColumns
      if (page.full) return page.endingAt(Number(row.seq));
    }
    await nextTurn();
  }
}

async function through(
  database: DatabaseSync,
  seq: number,
  last: number,
  limit: number,
  accounts: readonly string[],
): Promise<Page> {
  const fits = accounts.length === 0 ? '' : 'AND account_id IN (SELECT value FROM json_each(?3))';
  const select = database.prepare(`
    SELECT ${entryColumns} FROM notifications WHERE seq > ?1 AND seq <= ?2 ${fits} ORDER BY seq`);
  const page = new PageBuilder(limit);
  for (let from = seq; from < last; from += stride) {
    const to = Math.min(last, from + stride);
    const rows = accounts.length === 0 ? select.iterate(from, to) : select.iterate(from, to, JSON.stringify(accounts));
    for (const row of rows) {
      page.add(row as unknown as EntryRow); // the columns of entryColumns
      if (page.full) return page.endingAt(Number(row.seq));
    }
    await nextTurn();
  }
  return page.endingAt(last);
}

class PageBuilder {
  readonly #entries: Entry[] = [];
  readonly #limit: number;
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(row: EntryRow): void {
    this.#entries.push(entryOf(row));
    this.#characters += row.data.length;
  }

  get full(): boolean {
    return this.#entries.length >= this.#limit || this.#characters >= maxCharacters;
  }

  endingAt(through: number): Page {
    return { entries: this.#entries, through };
  }
}
