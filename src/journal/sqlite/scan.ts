import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { globToRegExp } from '../../common/text/patterns.ts';
import type { Entry, Interest } from '../../notification/entry.ts';
import type { Page } from '../route-session.ts';
import { blockOf, blockSize } from './block-index.ts';
import { Portion } from './portion.ts';
import { entryColumns, entryOf, prepareEntries } from './rows.ts';

/** With more names than this, looking each up costs more than reading through. */
const maxNames = 64;

/** How many entries are looked at before others get their turn. */
const stride = 5_000;

/** A part of the journal: the entries after `seq`, up to `last`; `limit` of them at most, and as many bytes. */
interface Part {
  readonly seq: number;
  readonly last: number;
  readonly limit: number;
  readonly bytes: number | undefined;
}

/** Reads entries from disk, with statements that are prepared once. */
export class Scanner {
  readonly #through: StatementSync;
  readonly #ofAccounts: StatementSync;
  readonly #ofEvents: StatementSync;
  readonly #ofEventsAndAccounts: StatementSync;
  readonly #nextName: StatementSync;
  readonly #nextBlock: StatementSync;

  constructor(database: DatabaseSync) {
    const select = (condition: string) =>
      prepareEntries(
        database,
        `SELECT ${entryColumns} FROM entries WHERE seq > ?1 AND seq <= ?2 ${condition} ORDER BY seq`,
      );
    const event = 'AND event IN (SELECT value FROM json_each(?3))';
    this.#through = select('');
    this.#ofAccounts = select('AND account_id IN (SELECT value FROM json_each(?3))');
    this.#ofEvents = select(event);
    this.#ofEventsAndAccounts = select(`${event} AND account_id IN (SELECT value FROM json_each(?4))`);
    this.#nextName = database.prepare('SELECT min(event) AS event FROM block_events WHERE event > ?');
    this.#nextBlock = database.prepare('SELECT min(block) AS block FROM block_events WHERE event = ? AND block >= ?');
  }

  /**
   * The entries of a part that are of interest. Where events are named, an index leads to them, so that one rare event
   * among millions is found at once.
   */
  async read(part: Part, interest: Interest): Promise<Page> {
    const names = interest.events.length === 0 ? null : this.#namesLike(interest.events);
    if (names !== null && names.length <= maxNames) return this.#byEvent(part, names, interest.accounts);
    return this.#readThrough(part, interest.accounts);
  }

  /** The names in the journal that fit; null where there are too many to tell. */
  #namesLike(patterns: readonly string[]): string[] | null {
    const globs = patterns.filter((pattern) => pattern.includes('*')).map(globToRegExp);
    if (globs.length === 0) return [...patterns];
    const nameAfter = (name: string) => this.#nextName.get(name)?.event;
    const names: string[] = [];
    // Steps from name to name along the index; a broker that invents names without end must not stop us here.
    for (let step = 0, name = nameAfter(''); typeof name === 'string'; step += 1, name = nameAfter(name)) {
      if (step > 1_000) return null;
      const found = name;
      if (patterns.includes(found) || globs.some((glob) => glob.test(found))) names.push(found);
    }
    return names;
  }

  /** Reads the blocks that have one of the events in them, and passes over all others. */
  async #byEvent(
    { seq, last, limit, bytes }: Part,
    names: readonly string[],
    accounts: readonly string[],
  ): Promise<Page> {
    const select = accounts.length === 0 ? this.#ofEvents : this.#ofEventsAndAccounts;
    const wanted = [JSON.stringify(names), ...(accounts.length === 0 ? [] : [JSON.stringify(accounts)])];
    /** The first block, from a place on, of each name. */
    const ahead = new Map(names.map((name) => [name, -1]));
    const page = new PageBuilder(limit, bytes);
    for (let from = blockOf(seq); ; from += 1) {
      for (const [name, block] of ahead) {
        if (block >= from) continue;
        const found = this.#nextBlock.get(name, from)?.block;
        if (typeof found === 'number') ahead.set(name, found);
        else ahead.delete(name);
      }
      from = Math.min(...ahead.values());
      if (from * blockSize > last) return page.endingAt(last);
      const [start, end] = [Math.max(seq, from * blockSize - 1), Math.min(last, (from + 1) * blockSize - 1)];
      if (page.fill(select.iterate(start, end, ...wanted))) return page.endingAtLast();
      await nextTurn();
    }
  }

  async #readThrough({ seq, last, limit, bytes }: Part, accounts: readonly string[]): Promise<Page> {
    const page = new PageBuilder(limit, bytes);
    for (let from = seq; from < last; from += stride) {
      const to = Math.min(last, from + stride);
      const rows =
        accounts.length === 0
          ? this.#through.iterate(from, to)
          : this.#ofAccounts.iterate(from, to, JSON.stringify(accounts));
      if (page.fill(rows)) return page.endingAtLast();
      await nextTurn();
    }
    return page.endingAt(last);
  }
}

class PageBuilder {
  readonly #entries: Entry[] = [];
  readonly #portion: Portion;

  constructor(limit: number, bytes: number | undefined) {
    this.#portion = new Portion(limit, bytes);
  }

  /** Takes rows until the page is full; returns whether it is. */
  fill(rows: Iterable<object>): boolean {
    for (const row of rows) {
      const entry = entryOf(row);
      this.#entries.push(entry);
      if (this.#portion.isFullWith(entry)) return true;
    }
    return false;
  }

  endingAt(through: number, more = false): Page {
    return { entries: this.#entries, through, more };
  }

  /** Ends the page at its last entry. */
  endingAtLast(): Page {
    return this.endingAt(this.#entries.at(-1)?.seq ?? 0, true);
  }
}
