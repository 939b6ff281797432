import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withoutValues } from '../../../../src/common/refusal.ts';
import { SinkUnavailable } from '../../../../src/sinks/sink.ts';
import {
  deliver,
  deliveries,
  deliveryOf,
  examineDatabase,
  openDatabaseSink,
  statuses,
} from '../../../support/database.ts';
import { keepsTheContract } from '../../contract/contract.ts';
import { sqlite, sqlitePlace } from '../../contract/sqlite.ts';
import { behavesAsDatabase, newTable } from '../common.ts';
import { tellsIncompatibilities } from '../incompatibilities.ts';

let folder: string;
let path: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-sqlite-'));
  path = join(folder, 'new folder', 'notifications.db');
});

afterAll(() => rmSync(folder, { recursive: true }));

const url = () => `sqlite://${path.replaceAll(' ', '%20')}`;

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const database = new DatabaseSync(path);
  try {
    if (!/^\s*SELECT/.test(sql)) database.exec(sql);
    return /^\s*SELECT/.test(sql)
      ? database
          .prepare(sql)
          .all()
          .map((row) => ({ ...row }))
      : [];
  } finally {
    database.close();
  }
}

behavesAsDatabase('SQLite', {
  url,
  query,
  ownTable: (name) => `CREATE TABLE ${name} (id TEXT PRIMARY KEY, balance INTEGER CHECK (balance <= 100))`,
});

keepsTheContract(sqlite, sqlitePlace);

test('a refusal tells no value, not even where its stack was looked at before', () => {
  const error = Object.assign(new Error("the value 'geheim'"), {
    detail: 'geheim',
    sql: 'geheim',
    sqlMessage: 'geheim',
  });
  expect(error.stack).toContain('geheim');
  const { message } = withoutValues(error, { code: '22003', meaning: undefined, column: 'balance' });
  expect(message).toBe('refused (22003, column "balance")');
  expect(inspect(error)).not.toContain('geheim');
});

describe('the retention of a database', () => {
  test('deletes nothing while the clock is in doubt', async () => {
    const table = newTable();
    let asked = 0;
    const inDoubt = () => {
      asked += 1;
      return false;
    };
    const sink = await openDatabaseSink({ url: url(), table, retention: '180d' }, [], inDoubt);
    await deliver(sink, deliveryOf({}, { occurredAt: Date.now() - 181 * 86_400_000 }));
    await sink.close();
    const again = await openDatabaseSink({ url: url(), table, retention: '180d' }, [], inDoubt);
    await again.close();
    expect(asked).toBe(2);
    expect(await query(`SELECT id FROM ${table}`)).toHaveLength(1);
  });
});

/** SQLite doesn't let such a column be added. */
const others = ['event', 'category', 'account_id', 'zone', 'node', 'occurred_at', 'received_at', 'problems', 'data'];

tellsIncompatibilities('SQLite', {
  url,
  query,
  demand: (table) => `DROP TABLE ${table}; CREATE TABLE ${table}
    (id TEXT PRIMARY KEY, valid INTEGER, ${others.join(' TEXT, ')} TEXT, tenant TEXT NOT NULL) STRICT`,
  mend: (table) => `DROP TABLE ${table}`,
  ownTable: (table, column) => `CREATE TABLE ${table} (id TEXT PRIMARY KEY, ${column}) STRICT`,
  number: 'INTEGER',
  types: ['INT', 'INTEGER', 'REAL', 'BLOB', 'TEXT', 'ANY'],
  incompatible: 29,
});

describe('SQLite in particular', () => {
  test('keeps its file to its owner and group', async () => {
    await openDatabaseSink({ url: url(), table: newTable() });
    expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
  });

  test('waits for somebody else who writes, no longer than a statement may take, and holds up nothing', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: url(), table, statementTimeout: '300ms' });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(deliver(sink, ...deliveries(1))).rejects.toThrow(/database is locked/);
    const waiting = statuses(deliver(sink, ...deliveries(1)));
    setTimeout(() => other.exec('ROLLBACK'), 50);
    expect(await waiting).toEqual(['delivered']);
    other.close();
  });

  test('makes its file again where it was removed, and loses nothing that comes then', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: url(), table });
    await deliver(sink, ...deliveries(1));
    renameSync(path, `${path}.old`);
    await expect(deliver(sink, ...deliveries(2))).rejects.toThrow(/no such table/);
    expect(await statuses(deliver(sink, ...deliveries(2)))).toEqual(['delivered', 'delivered']);
    expect(await query(`SELECT count(*) AS n FROM ${table}`)).toEqual([{ n: 2 }]);
  });

  test('counts no column as empty that something fills, nor a type that doesn’t bind', async () => {
    const table = newTable();
    await openDatabaseSink({ url: url(), table });
    const own = newTable();
    await query(`
      CREATE TABLE ${own} (number INTEGER NOT NULL PRIMARY KEY, id TEXT UNIQUE, since BIGINT, one INT NOT NULL DEFAULT 1,
        two TEXT NOT NULL AS ('x'))`);
    const options = { url: url(), table: own, columnsOnly: true, columns: { id: 'id', since: 'occurred_at' } };
    expect(await examineDatabase(options)).toContain('as it must be');
    expect(await statuses(deliver(await openDatabaseSink(options), ...deliveries(2)))).toEqual([
      'delivered',
      'delivered',
    ]);
    // The number of a row can be nothing else.
    const numbered = { ...options, columns: { number: 'id' } };
    await expect(examineDatabase(numbered)).rejects.toThrow(/a column number that can hold an id: it is INTEGER/);
  });

  test('is looked at without being changed, and needs no file where the daemon makes it', async () => {
    const options = { url: `sqlite://${folder}/theirs.db` };
    expect(await examineDatabase(options)).toMatch(/theirs.db can be made; .* before its first row the daemon makes: /);
    await expect(examineDatabase({ ...options, migrate: false })).rejects.toThrow(
      /^SQLite in .*theirs.db lacks what the daemon may not make: the table "notifications"$/,
    );
    expect(existsSync(join(folder, 'theirs.db'))).toBe(false);
    const theirs = new DatabaseSync(join(folder, 'theirs.db'));
    theirs.exec('CREATE TABLE notifications (id TEXT PRIMARY KEY)');
    await expect(examineDatabase(options)).rejects.toThrow(/lacks what the daemon may not make: .*the column zone/);
    expect(theirs.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
    theirs.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('theirs'))).toEqual(['theirs.db']);
  });

  test('is unavailable where its file can’t be written or is no database', async () => {
    const open = (path: string) => openDatabaseSink({ url: `sqlite://${path}`, table: newTable() });
    await expect(open(folder)).rejects.toThrow(SinkUnavailable);
    writeFileSync(join(folder, 'text'), 'no database '.repeat(100));
    await expect(open(join(folder, 'text'))).rejects.toThrow(/file is not a database/);
    await expect(open(join(folder, 'text', 'below'))).rejects.toThrow(/^SQLite in .*: .*text is not a folder$/);
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(open(join(folder, 'pipe'))).rejects.toThrow(/^SQLite in .*pipe: it is a pipe that nobody reads/);
  });
});
