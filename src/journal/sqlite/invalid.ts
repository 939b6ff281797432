import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';

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

/** True for what has a line in it. */
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
