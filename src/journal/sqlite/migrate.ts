import { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '../../common/errors.ts';
import { isSqliteError } from '../../common/sqlite.ts';
import { JournalError } from '../journal.ts';
import { migrations } from './migrations.ts';

/** SQLite's `application_id` of a journal: "kzrl" in ASCII. */
export const applicationId = 0x6b7a726c;

/** The version that this program works with. */
export const newestVersion = migrations.length;

/**
 * Brings a journal to the newest version in one transaction, which is committed once the result was looked over. Until
 * then nothing is written to its files.
 * @throws JournalError where that can't be done, because the journal isn't what its version says
 */
export function migrate(database: DatabaseSync, file: string, version: number): void {
  if (version === newestVersion) return;
  // Else what doesn't fit into memory would go to the write-ahead log before the commit.
  database.exec('PRAGMA cache_spill = OFF; BEGIN IMMEDIATE');
  try {
    const before = objectsOf(database);
    for (const sql of migrations.slice(version)) database.exec(sql);
    refuseOther(database, before);
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${newestVersion}; COMMIT`);
  } catch (cause) {
    // SQLite itself rolls back after some errors, such as a full disk.
    if (database.isTransaction) database.exec('ROLLBACK');
    // Of a disk that is full, or of damage, others know more to say.
    if (!(cause instanceof Misfit) && !isSqliteError(cause, [sqlError])) throw cause;
    throw new JournalError(
      `the journal ${file} can't be brought from version ${version} to ${newestVersion} (${reasonOf(cause)}), and is left as it ` +
        'was: run the kazoo-relay again that wrote it, or give this one a new journal.path',
      { cause },
    );
  }
  database.exec('PRAGMA cache_spill = ON');
}

/** SQLite's result code for SQL that doesn't fit the tables. */
const sqlError = 1;

class Misfit extends Error {}

/** Tables, indexes, views and triggers by their names, with the SQL that made them. */
type Objects = ReadonlyMap<string, string>;

/**
 * The result must have all that a new journal has, and what was created must be complete. It may have more: an
 * operator's index, SQLite's own statistics.
 * @param before the objects before the migration
 */
function refuseOther(database: DatabaseSync, before: Objects): void {
  const after = objectsOf(database);
  for (const [name, sql] of objectsOfNew()) {
    if (!after.has(name)) throw new Misfit(`${name} is missing`);
    if (after.get(name) !== sql) throw new Misfit(`${name} is not as it should be`);
    if (before.has(name) || !sql.startsWith('CREATE TABLE')) continue;
    const verdict = String(database.prepare(`PRAGMA integrity_check('${name}')`).get()?.integrity_check);
    if (verdict !== 'ok') throw new Misfit(`${name}: ${verdict}`);
  }
}

function objectsOfNew(): Objects {
  using database = new DatabaseSync(':memory:');
  for (const sql of migrations) database.exec(sql);
  return objectsOf(database);
}

function objectsOf(database: DatabaseSync): Objects {
  const rows = database.prepare("SELECT name, ifnull(sql, '') AS sql FROM sqlite_schema").all();
  return new Map(rows.map(({ name, sql }) => [String(name), bare(String(sql))]));
}

/** Without comments, and however it was wrapped. */
function bare(sql: string): string {
  return sql.replace(/--.*/g, '').replace(/\s+/g, ' ').trim();
}
