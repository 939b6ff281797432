import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { databaseFile } from '../../../src/journal/sqlite/database.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { acquireLock } from '../../../src/journal/sqlite/lock.ts';
import { newestVersion } from '../../../src/journal/sqlite/migrate.ts';
import { migrations } from '../../../src/journal/sqlite/migrations.ts';
import { openOperatorStore } from '../../../src/journal/sqlite/operator-store.ts';
import { openJournalReader } from '../../../src/journal/sqlite/reader.ts';
import { rowsIn } from '../../support/journal-file.ts';
import { notification } from '../../support/notification.ts';
import { cursorOf, settle } from '../../support/sessions.ts';

/** Every layout that journals have had, as the program of its day made it. */
const layouts = readdirSync('test/fixtures/journals').sort();
/** Those of the days before notifications had a head. */
const lost = ['2026-11-24-1.sql', '2026-11-24-2.sql', '2026-11-24-3.sql', '2026-11-25.sql'];
const older = '2026-11-27.sql';
const newest = migrations.length;
const log = pino({ level: 'silent' });

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-versions-'));
  file = databaseFile(folder);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('a journal of an older layout', () => {
  test.each(layouts.filter((name) => !lost.includes(name)))(
    '(%s) is brought up to date with all that it has',
    async (name) => {
      make(name, name > older ? `${rows}; ${listed}` : rows);
      const journal = openJournal(folder, log);
      expect((await journal.find({ after: 0, limit: 10 })).map(({ seq, state }) => [seq, state])).toEqual([
        [1, 'valid'],
        [2, 'invalid'],
        [3, 'invalid'],
        [4, 'undecodable'],
      ]);
      // What the route has selected until now, nobody knows; of what it gets from now on, the log tells.
      expect(await journal.selections()).toMatchObject([{ route: 'r', after: -1, selection: null }]);
      await settle(journal, 'r', {
        cursor: 3,
        delivered: [{ code: 200, places: [3, 3], events: new Map([['new', 1]]) }],
      });
      expect(await journal.deliveriesOf(3)).toMatchObject([{ route: 'r', outcome: 'delivered', code: 200 }]);
      expect(await cursorOf(journal, 'r', 'now')).toBe(3);
      expect(
        read("SELECT seq FROM deliveries WHERE route = 'r' UNION SELECT seq FROM dropped WHERE route = 'r'"),
      ).toEqual([{ seq: 2 }]);
      await journal.close();
      expect(read('SELECT rank, seq FROM invalid ORDER BY rank, seq')).toEqual([
        { rank: 0, seq: 4 },
        { rank: 1, seq: 3 },
        { rank: 2, seq: 2 },
      ]);
      expect(read("SELECT value FROM facts WHERE name = 'invalid_bytes'")).toEqual(
        read('SELECT sum(bytes) AS value FROM invalid'),
      );
    },
  );

  test.each([3, 4])('that counted no drift, or no redeliveries (%i versions ago), begins to', async (ago) => {
    make(older, `${rows}; ${migrations.slice(2, -ago).join(';')}; PRAGMA user_version = ${newest - ago}`);
    const journal = openJournal(folder, log);
    expect((await journal.summary()).drift).toEqual([]);
    expect(await journal.redeliveriesOf([1, 2, 3, 4])).toEqual(new Map());
    const one = notification({ unknownFields: ['/mood'], receivedAt: 5 });
    const [entry] = await journal.append([one, one]);
    expect((await journal.summary()).drift).toMatchObject([{ path: '/mood', count: 1 }]);
    expect(await journal.redeliveriesOf([entry?.seq ?? 0])).toEqual(new Map([[entry?.seq, { count: 1, last: 5 }]]));
    await journal.close();
  });

  test('that kept no counts of records has them, by the events of their notifications, and what nobody has seen', async () => {
    const more = `INSERT INTO deliveries VALUES ('r', 3, NULL, 'dead', 'some', '[]', NULL, 5), ('', 4, NULL, 'undecodable', 'no', '[]', NULL, 7),
      ('r', 1, 'a', 'waiting', 'busy', '[]', 9, 8), ('r', 9, 'a', 'dead', 'gone', '[]', NULL, 2); INSERT INTO looks VALUES ('r', 3)`;
    make(older, `${migrations.slice(2, -2).join(';')}; ${rows}; ${more}; PRAGMA user_version = ${newest - 2}`);
    const journal = openJournal(folder, log);
    const { routes, undecodable, unseenUndecodable } = await journal.summary();
    expect(routes).toMatchObject([{ waiting: 1, quarantined: 1, dead: 2, unseen: 1 }]);
    expect([undecodable, unseenUndecodable]).toEqual([1, 1]);
    await journal.close();
    expect(read('SELECT route, state, reason, event, count, first FROM delivery_groups ORDER BY first')).toEqual([
      { route: 'r', state: 'quarantined', reason: 'some', event: 'low_balance', count: 1, first: 1 },
      { route: 'r', state: 'dead', reason: 'gone', event: '', count: 1, first: 2 },
      { route: 'r', state: 'dead', reason: 'some', event: 'new', count: 1, first: 5 },
      { route: '', state: 'undecodable', reason: 'no', event: '', count: 1, first: 7 },
      { route: 'r', state: 'waiting', reason: 'busy', event: 'low_balance', count: 1, first: 8 },
    ]);
  });

  test('that told nothing of how far acts are has them all the same', async () => {
    const act = `INSERT INTO audit VALUES (7, 5, 'anna', 'here', 'replay', '{"route":"r"}', 3)`;
    make(older, `${migrations.slice(2, -1).join(';')}; ${act}; PRAGMA user_version = ${newest - 1}`);
    await openJournal(folder, log).close();
    const store = openOperatorStore(folder);
    expect(await store.actAt(7)).toMatchObject({ act: 'replay', count: 3, selection: { route: 'r' }, progress: null });
    await store.close();
  });

  test.each(lost)('(%s) is refused clearly, and stays as it was to the byte', (name) => {
    make(name, 'INSERT INTO routes VALUES (1, 2)');
    expectRefusal(
      new RegExp(
        `can't be brought from version \\d to ${newest} \\(.+\\), and is left as it was: run the kazoo-relay again that`,
      ),
    );
  });

  test.each([
    ['a table lacks', 'DROP TABLE dropped', 'dropped is missing'],
    ['a table is another', 'ALTER TABLE routes RENAME COLUMN cursor TO place', 'routes is not as it should be'],
    ['a view is another', 'DROP VIEW entries; CREATE VIEW entries AS SELECT 1', 'entries is not as it should be'],
    ['an index lacks', 'DROP INDEX deliveries_by_age', 'deliveries_by_age is missing'],
    ['a new table is there', 'CREATE TABLE invalid (a)', 'table invalid already exists'],
  ])('in which %s is refused with its reason, and stays as it was to the byte', (_what, sql, reason) => {
    make(older, sql);
    expectRefusal(new RegExp(reason));
  });

  test('that is refused when much has been changed already stays as it was to the byte', () => {
    // All that is invalid goes into a new table.
    const many = `WITH RECURSIVE n (n) AS (SELECT 5 UNION ALL SELECT n + 1 FROM n LIMIT 10000)
      INSERT INTO notifications SELECT n, n, 'f', NULL, 1, 1, '[null,false,null,null,"",null,"",false,"invalid"]', '', NULL FROM n`;
    make(older, `${rows}; ${many}; DROP INDEX deliveries_by_age`);
    expectRefusal(/deliveries_by_age is missing/);
  });

  test('is not refused for what somebody has added, nor for a notification that was overwritten', async () => {
    const broken = "INSERT INTO notifications VALUES (5, 'e', 'f', 1, 1, 1, '{', 'null', NULL)";
    make(older, `${rows}; ${broken}; CREATE INDEX mine ON notifications (received_at); ANALYZE`);
    await openJournal(folder, log).close();
    expect(read('PRAGMA user_version')).toEqual([{ user_version: newestVersion }]);
  });

  test('is never changed by a command, which says whether a daemon of that version runs', () => {
    make(older, rows);
    const before = bytes();
    for (const open of [openOperatorStore, openJournalReader]) {
      expect(() => open(folder)).toThrow(`has version 2, not ${newest}: start the daemon once to bring it up to date`);
      const lock = acquireLock(folder);
      expect(() => open(folder)).toThrow(
        `has version 2, and this command needs ${newest}: the daemon that runs on it is older`,
      );
      lock.release();
    }
    expect(bytes()).toEqual(before);
  });
});

describe('a journal of a newer layout', () => {
  test('is refused to whoever opens it, and stays as it was to the byte', () => {
    make(older, `${rows}; PRAGMA user_version = 999`);
    const before = bytes();
    for (const open of [
      () => openJournal(folder, log),
      () => openOperatorStore(folder),
      () => openJournalReader(folder),
    ])
      expect(open).toThrow(`written by a newer kazoo-relay (its version is 999, this one knows ${newest})`);
    expect(bytes()).toEqual(before);
  });
});

test('a migration that there was is never changed: journals that it made are out there', () => {
  expect(migrations.map((sql) => createHash('sha256').update(sql).digest('hex').slice(0, 16))).toEqual([
    '7de46165494e6941',
    '1e8accc24aa601a1',
    '2ba4ea178fe9cfac',
    '34f5e7d62c2f068c',
    'b36a71e6c5e5e73f',
    'f96d73e1451c0ded',
    'a31f93f181f06295',
    'e9af05053f7aa06f',
    '6fafd87baa68b4ae',
    '81f63763e95fa9b4',
    'd12ed4ef23e90654',
  ]);
});

const rows = `
  INSERT INTO notifications VALUES
    (1, 'a', 'f', 1, 1, 1, '["low_balance",true,null,null,"west",null,"k",false,"valid",[],null,[]]', '{}', NULL),
    (2, 'b', 'f', 1, 1, 1, '["low_balance",true,null,null,"west",null,"k",false,"invalid",[],null,[]]', '{}', NULL),
    (3, 'c', 'f', 1, 1, 1, '["new",false,null,null,"west",null,"k",false,"invalid",[],null,[]]', '{}', NULL),
    (4, 'd', 'f', 1, 1, 1, '[null,false,null,null,"west",null,"k",false,"undecodable",[],null,[]]', 'null', x'00');
  INSERT INTO routes VALUES ('r', 2);
  INSERT INTO deliveries VALUES ('r', 2, NULL, 'quarantined', 'some', '[]', NULL, 1)`;

/** What is listed where a layout has a table for it already. */
const listed = 'INSERT INTO invalid VALUES (0, 4, 1), (1, 3, 1), (2, 2, 1)';

/** Makes a journal of a layout, whose rows are still in its write-ahead log. */
function make(layout: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
  // SQLite keeps no more pages than that in memory, unless it is told to.
  database.exec('PRAGMA default_cache_size = 10');
  database.exec(`BEGIN; ${readFileSync(`test/fixtures/journals/${layout}`, 'utf8')}; COMMIT`);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.exec(`BEGIN; ${sql}; COMMIT`);
  // The last connection that closes writes its log into the file, where it can.
  using last = new DatabaseSync(file, { readOnly: true });
  last.prepare('PRAGMA user_version').get();
  database.close();
}

function expectRefusal(reason: RegExp): void {
  const before = bytes();
  expect(() => openJournal(folder, log)).toThrow(reason);
  expect(bytes()).toEqual(before);
}

/** What the journal's files hold; the first of them is the database itself. */
function bytes(): string[] {
  return ['', '-wal'].map((suffix) =>
    createHash('sha256')
      .update(readFileSync(file + suffix))
      .digest('hex'),
  );
}

function read(sql: string): Record<string, unknown>[] {
  return rowsIn(file, sql);
}
