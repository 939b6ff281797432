import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { messages } from '../../common/messages.ts';
import { formatBytes } from '../../common/text/format.ts';
import type { Entry } from '../../notification/entry.ts';
import type { Evicted } from '../reader.ts';

/*
 * The table of undecodable and invalid notifications, which have a share of the journal of their own. It is what finds
 * those that make way first; the database itself keeps the sum of their bytes.
 */

/** Bytes that a row takes beside its head and its body, with its lines in indexes: measured, about. */
const besides = 256;

/** The undecodable rank before the invalid of unknown events, and these before the invalid of known ones. */
const rows = `
  INSERT INTO invalid (rank, seq, bytes)
    SELECT CASE WHEN head ->> 8 = 'undecodable' THEN 0 WHEN head ->> 1 THEN 2 ELSE 1 END, seq,
      octet_length(data) + ifnull(octet_length(raw), 0) + octet_length(head) + ${besides}
    FROM notifications WHERE head ->> 8 <> 'valid'`;

const among = 'seq IN (SELECT value FROM json_each(?))';

/** Fills the table, where it is empty. */
export const listInvalid = rows;

/** Lists those that aren't valid. Parameter: places, as a JSON array. */
const listInvalidAmong = `${rows} AND ${among}`;

/** Takes them out. Parameter: places, as a JSON array. */
export const unlistInvalid = `DELETE FROM invalid WHERE rank IN (0, 1, 2) AND ${among}`;

/** True for entries that are in the list. */
export function isInvalid({ state }: Entry): boolean {
  return state !== 'valid';
}

/** Keeps the table as entries come. */
export class Invalid {
  readonly #list: StatementSync;

  constructor(database: DatabaseSync) {
    this.#list = database.prepare(listInvalidAmong);
  }

  /** Within the transaction that inserts them. */
  add(entries: readonly Entry[]): void {
    if (!entries.some(isInvalid)) return;
    this.#list.run(JSON.stringify(entries.filter(isInvalid).map(({ seq }) => seq)));
  }
}

/** Brings the table up to what is known of one notification now. */
export function listAnew(database: DatabaseSync, seq: number): void {
  const list = JSON.stringify([seq]);
  database.prepare(unlistInvalid).run(list);
  database.prepare(listInvalidAmong).run(list);
}

/** The most that one step evicts: large bodies take longer to remove than small ones. */
export const mostRows = 500;
export const mostBytes = 4 * 1024 * 1024;

/** From this part of the share on an operator is told; again when it was less than the other meanwhile. */
const alarmFrom = 0.5;
const alarmAgainBelow = 0.4;

/** While more and more is evicted, it is told as often, in milliseconds. */
const toldEvery = 60_000;

/** In order of eviction: the ranks of the table `invalid`. */
const kinds = ['undecodable', 'unknown', 'known'] as const;

const factOf = (kind: keyof Evicted): string => `evicted_${kind}`;

/** Routes by name, and whether each delivers what is invalid. */
export type Routes = ReadonlyMap<string, boolean>;

/**
 * Which undecodable and invalid notifications make way where they have more than their share of the journal: those that no
 * route still has to deliver. How many did is kept in the journal, and told.
 */
export class Eviction {
  readonly #log: Logger;
  readonly #sum: StatementSync;
  readonly #after: StatementSync;
  readonly #count: StatementSync;
  readonly #begin: StatementSync;
  /** For each rank, the place of the last search: entries before it are held, or newer. */
  #positions = [0, 0, 0];
  #alarmed = false;
  #untold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync, log: Logger) {
    this.#database = database;
    this.#log = log;
    this.#sum = database.prepare("SELECT value FROM facts WHERE name = 'invalid_bytes'");
    // What can't be decoded is nobody's to deliver, wherever routes are.
    this.#after = database.prepare(`
      SELECT seq, bytes, (rank > 0 AND seq > ifnull(
          (SELECT min(cursor) FROM routes WHERE name IN (SELECT value FROM json_each(?4))), seq))
        OR EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = i.seq AND d.state = 'waiting'
          AND d.route IN (SELECT value FROM json_each(?3))) AS held
      FROM invalid i WHERE rank = ?1 AND seq > ?2 ORDER BY seq LIMIT ${mostRows}`);
    this.#count = database.prepare(`
      INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`);
    this.#begin = database.prepare("INSERT OR IGNORE INTO facts (name, value) VALUES ('evicted_since', ?)");
  }

  /** Bytes that all of them take. */
  get bytes(): number {
    return Number(this.#sum.get()?.value);
  }

  /** The places of some that make way now, oldest first; none where the share isn't used up, or all of them are held. */
  next(share: number, routes: Routes): number[] {
    const chosen: number[] = [];
    // As long as no route is known, nobody knows what they still have to deliver.
    if (routes.size === 0) return chosen;
    const names = JSON.stringify([...routes.keys()]);
    const delivering = JSON.stringify([...routes].filter(([, delivers]) => delivers).map(([name]) => name));
    let excess = this.bytes - share;
    let room = mostBytes;
    const isEnough = () => excess <= 0 || room <= 0 || chosen.length >= mostRows;
    for (const [rank, kind] of kinds.entries()) {
      let count = 0;
      const rows = this.#after.all(rank, this.#positions[rank] ?? 0, names, delivering);
      for (const row of rows) {
        if (isEnough()) break;
        this.#positions[rank] = Number(row.seq);
        if (row.held === 1) continue;
        chosen.push(Number(row.seq));
        excess -= Number(row.bytes);
        room -= Number(row.bytes);
        count += 1;
      }
      if (count > 0) this.#counted(kind, count);
      // There may be more that come before those of the next rank.
      if (rows.length === mostRows || isEnough()) return chosen;
    }
    this.#positions = [0, 0, 0];
    return chosen;
  }

  /** Logs what is due. @param share in bytes */
  tell(share: number): void {
    const { bytes } = this;
    const used = { bytes: formatBytes(bytes), share: formatBytes(share) };
    if (bytes < share * alarmAgainBelow) this.#alarmed = false;
    if (bytes >= share * alarmFrom && !this.#alarmed) {
      this.#alarmed = true;
      this.#log.warn(used, messages.shareHalfFull);
    }
    if (this.#untold === 0 || performance.now() - this.#toldAt < toldEvery) return;
    const { since, ...evicted } = evictedFrom(this.#database);
    this.#log.warn(
      { ...used, evicted: { ...evicted, since: since === null ? null : new Date(since).toISOString() } },
      messages.shareFull,
    );
    this.#untold = 0;
    this.#toldAt = performance.now();
  }

  #counted(kind: keyof Evicted, count: number): void {
    this.#count.run(factOf(kind), count);
    this.#begin.run(Date.now());
    this.#untold += count;
  }
}

/** How many were evicted, and since when. */
export function evictedFrom(database: DatabaseSync): Evicted & { readonly since: number | null } {
  const rows = database.prepare("SELECT name, value FROM facts WHERE name GLOB 'evicted_*'").all();
  const facts = new Map(rows.map(({ name, value }) => [name, Number(value)]));
  const [undecodable, unknown, known] = kinds.map((kind) => facts.get(factOf(kind)) ?? 0);
  return {
    undecodable: undecodable ?? 0,
    unknown: unknown ?? 0,
    known: known ?? 0,
    since: facts.get('evicted_since') ?? null,
  };
}
