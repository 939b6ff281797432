import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { databaseSink } from '../../../src/sinks/database/sink.ts';
import { openDatabaseSink } from '../../support/database.ts';
import type { ContractedSink, Place } from './contract.ts';
import { file, folderAt } from './file.ts';

export const sqlite: ContractedSink = {
  ...file,
  name: 'database: SQLite',
  cases: {
    ...file.cases,
    restarted: { never: 'SQLite has no server.' },
    slow: 'delivered',
    'an answer after the deadline': 'unavailable',
    'one refused of many': 'dead',
  },
};

export async function sqlitePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-sqlite-'));
  const path = join(folder, 'notifications.db');
  const options = { url: `sqlite://${path}`, statementTimeout: '1m' };
  await (await openDatabaseSink(options)).close();
  /** Somebody else writes, and doesn't end. */
  const lock = () => {
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    // The sink looks at once, and then again and again.
    return { met: () => new Promise<void>((resolve) => setImmediate(resolve)), undo: () => other.close() };
  };
  return {
    kind: databaseSink,
    options,
    secrets: ['we want none of these'],
    async held() {
      using database = new DatabaseSync(path);
      return database
        .prepare('SELECT id FROM notifications')
        .all()
        .map(({ id }) => String(id));
    },
    faults: {
      'down at the start': () => folderAt(path),
      slow: lock,
      'an answer after the deadline': lock,
      'one refused of many': () => {
        using database = new DatabaseSync(path);
        database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON notifications WHEN NEW.event = 'refused'
          BEGIN SELECT RAISE(ABORT, 'we want none of these'); END`);
        return { undo: () => undefined };
      },
    },
    close: async () => rmSync(folder, { recursive: true }),
  };
}
