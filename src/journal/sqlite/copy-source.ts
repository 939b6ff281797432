import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { CopySource, NumberedTable, SmallTable } from '../folder-journals.ts';
import { JournalError } from '../journal.ts';
import { databaseFile, openDatabase } from './database.ts';
import { driftOf } from './drift.ts';
import { acquireLock, isLocked } from './lock.ts';
import { WholeReader } from './whole.ts';

const positions: Readonly<Record<NumberedTable, string>> = {
  deliveries: 'rowid',
  delivery_log: 'number',
  audit: 'number',
  outages: 'number',
};

const small: Readonly<Record<SmallTable, string>> = {
  routes: 'SELECT name AS route, cursor, seqs FROM routes LEFT JOIN settled_ahead ON route = name',
  dropped: 'SELECT route, seq FROM dropped',
  selections: 'SELECT route, after, at, selection FROM selections ORDER BY after',
  paused: 'SELECT route, at, who FROM paused',
  looks: 'SELECT route, at FROM looks',
  delivery_counts: 'SELECT * FROM delivery_counts',
  facts: "SELECT name, value FROM facts WHERE name GLOB 'evicted_*'",
};

/** Opens a journal to be copied, brought to the newest version; no daemon can have it meanwhile. @throws JournalError */
export function openCopySource(folder: string): CopySource {
  // What isn't there would be made.
  if (!existsSync(databaseFile(folder))) throw new JournalError(`there is no journal in ${folder}`);
  if (isLocked(folder)) throw new JournalError(`a daemon has the journal in ${folder}: stop it first`);
  const lock = acquireLock(folder);
  let database: ReturnType<typeof openDatabase>;
  try {
    database = openDatabase(folder);
  } catch (error) {
    lock.release();
    throw error;
  }
  const reader = new WholeReader(database);
  const numberIn = (sql: string) => Number(Object.values(database.prepare(sql).get() ?? {})[0] ?? 0);
  database.prepare("INSERT OR IGNORE INTO facts (name, value) VALUES ('copied_as', ?)").run(randomInt(1, 2 ** 47));
  return {
    folder,
    identity: numberIn("SELECT value FROM facts WHERE name = 'copied_as'"),
    count: numberIn('SELECT count(*) FROM notifications'),
    last: numberIn('SELECT max(seq) FROM notifications'),
    *ids() {
      for (const { seq, id } of database.prepare('SELECT seq, id FROM notifications ORDER BY seq').iterate())
        yield { seq: Number(seq), id: String(id) };
    },
    read: (after, limit) => reader.read(after, limit),
    countOf: (table) => numberIn(`SELECT count(*) FROM ${table}`),
    rows(table, after, limit) {
      const position = positions[table];
      return database
        .prepare(`SELECT ${position} AS position, * FROM ${table} WHERE ${position} > ? ORDER BY ${position} LIMIT ?`)
        .all(after, limit);
    },
    all: (table) => database.prepare(small[table]).all(),
    drift: () => driftOf(database),
    close() {
      database.close();
      lock.release();
    },
  };
}
