import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Journal } from '../../../src/journal/journal.ts';
import type { Database } from '../../../src/journal/postgres/connection.ts';
import { copyJournal } from '../../../src/journal/postgres/copy/copy.ts';
import type { Notification } from '../../../src/notification/notification.ts';
import { folderJournals, openJournal, openOperatorStore, unlimited } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { recorded } from '../../support/recorded.ts';
import { sessionOf, settle } from '../../support/sessions.ts';

const log = pino({ level: 'silent' });
const problems = [{ path: '/a/3', keyword: 'type', message: 'must be a string' }];

let server: SharedPostgres;
let tables: Tables;
let folder: string;
let progress: number[];
let total: number;

beforeAll(async () => {
  server = await sharePostgres();
});

afterAll(() => server.close());

beforeEach(async () => {
  tables = await makeTables(server.url);
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-copy-'));
  progress = [];
});

afterEach(async () => {
  await tables.close();
  rmSync(folder, { recursive: true });
});

describe('a journal in a folder', () => {
  test('is copied with its entries in order, and all that is known of them', async () => {
    const first = notification({ ownTime: 5, fingerprint: 'f'.repeat(22), receivedAt: 1_000, occurredAt: 900 });
    const all = [
      first,
      notification({ ownTime: 5, fingerprint: 'f'.repeat(22), secrets: [{ path: ['a'], value: 'x' }] }),
      notification({ state: 'invalid', problems, event: null, accountId: null, json: '{"a":"\u00e4"}' }),
      notification({ state: 'undecodable', problems, json: 'null', raw: Buffer.from([0, 255]), known: false }),
    ];
    await inFolder((journal) => journal.append(all));
    expect(await copy()).toEqual({ notifications: 4, before: 0, records: 1, routes: 0, isNew: true });
    const rows = await tables.query(
      `SELECT seq, id, occurred_at, event, account_id, resend_of, data, encode(raw, 'hex') AS raw FROM entries ORDER BY seq`,
    );
    expect(rows).toEqual(
      all.map(({ header, json, raw }, index) => ({
        ...{ seq: index + 1, id: header.id, occurred_at: header.occurredAt, event: header.event },
        ...{ account_id: header.accountId, resend_of: index === 1 ? first.header.id : null, data: json },
        raw: raw && Buffer.from(raw).toString('hex'),
      })),
    );
    expect(await tables.query('SELECT seq, rank FROM kept ORDER BY seq')).toMatchObject([{ rank: 2 }, { rank: 0 }]);
    expect(await tables.query('SELECT route, seq, state FROM deliveries')).toEqual([
      { route: '', seq: 4, state: 'undecodable' },
    ]);
    expect(progress.at(-1)).toBe(total);
  });

  test('goes on where its routes were: behind what they have settled, with all that is listed', async () => {
    await inFolder(async (journal) => {
      await journal.append(some(10));
      await settle(journal, 'crm', {
        cursor: 8,
        recorded: [
          { ...recorded(2, 'dead'), reason: 'gone' },
          { ...recorded(3, 'waiting'), dueAt: 5 },
        ],
        delivered: [{ code: 200, places: [1, 1, 4, 6, 8, 8], events: new Map() }],
      });
      const delivered = [{ code: null, places: [1, 1], events: new Map() }];
      await settle(journal, 'console', { cursor: 1, recorded: [recorded(5, 'dead')], delivered });
    });
    const shift = await tables.append([1, 2, 3]);
    await copy();
    expect(await tables.query('SELECT route, cursor FROM progress ORDER BY route')).toEqual([
      { route: 'console@here', cursor: 1 + shift },
      { route: 'crm', cursor: 8 + shift },
    ]);
    expect(await tables.query('SELECT route, seq, state, reason, due_at FROM deliveries ORDER BY number')).toEqual([
      { route: 'crm', seq: 2 + shift, state: 'dead', reason: 'gone', due_at: null },
      { route: 'crm', seq: 3 + shift, state: 'waiting', reason: expect.any(String), due_at: 5 },
      { route: 'console@here', seq: 5 + shift, state: 'dead', reason: expect.any(String), due_at: null },
    ]);
    expect(await tables.query('SELECT route, first, last, code, gaps FROM delivery_log ORDER BY route DESC')).toEqual([
      { route: 'crm', first: 1 + shift, last: 8 + shift, code: 200, gaps: [1, 2, 6, 6] },
      { route: 'console@here', first: 1 + shift, last: 1 + shift, code: null, gaps: [] },
    ]);
  });

  test('brings along what operators have done, paused and dropped', async () => {
    await inFolder(async (journal) => {
      await journal.append(some(3));
      await settle(journal, 'crm', { cursor: 1, recorded: [recorded(3, 'quarantined')] });
      const store = await openOperatorStore(folder);
      const act = store.act({ who: 'ann', from: 'here' }, { route: 'crm' });
      await act.pause('crm');
      await act.drop(await store.records({ states: ['quarantined'] }, 0, 10));
      await store.close();
    });
    await tables.query(
      "INSERT INTO audit (number, who, origin, act, selection, count) VALUES (5, 'bob', 'there', 'probe', '{}', 1)",
    );
    await copy();
    expect(await tables.query('SELECT number, who, origin, act, count FROM audit ORDER BY number')).toMatchObject([
      { number: 5, who: 'bob' },
      { number: 6, who: 'ann', origin: 'here', act: 'pause', count: 1 },
      { number: 7, who: 'ann', act: 'drop', count: 1 },
    ]);
    expect(await tables.query('SELECT route, who FROM paused')).toEqual([{ route: 'crm', who: 'ann' }]);
    expect(await tables.query('SELECT route, seq FROM dropped')).toEqual([{ route: 'crm', seq: 3 }]);
    expect(await tables.query('SELECT outcome, by FROM delivery_log')).toEqual([{ outcome: 'dropped', by: 'ann' }]);
  });

  test('is copied whole, and nothing of it twice, wherever it was cut off', async () => {
    await inFolder(async (journal) => {
      for (let count = 0; count < 4; count += 1) await journal.append(some(400));
      await settle(journal, 'crm', {
        cursor: 1_600,
        recorded: Array.from({ length: 400 }, (_, index) => recorded(index + 1, 'dead')),
        delivered: Array.from({ length: 1_200 }, (_, index) => ({
          ...{ code: index % 2, places: [index + 401, index + 401], events: new Map() },
        })),
      });
    });
    let cuts = 0;
    // One change beside that of the daemon's name.
    const failed = () =>
      copy(cutOffAfter(2)).then(
        () => false,
        () => true,
      );
    while (await failed()) cuts += 1;
    expect(cuts).toBeGreaterThan(6);
    expect(await tables.values('SELECT count(*) FROM log')).toEqual([1_600]);
    expect(await tables.values('SELECT count(*) FROM deliveries')).toEqual([400]);
    expect(await tables.values('SELECT count(*) FROM delivery_log')).toEqual([1_200]);
    expect(await tables.values('SELECT cursor FROM progress')).toEqual([1_600]);
    expect(await copy()).toMatchObject({ isNew: false });
    expect(await tables.values('SELECT count(*) FROM log')).toEqual([1_600]);
  });

  test('knows what was removed from it: what a run of deliveries says of that is left out', async () => {
    await inFolder(async (journal) => {
      await journal.append([...some(3), notification({ accountId: 'gone' }), ...some(2)]);
      await settle(journal, 'crm', {
        cursor: 6,
        recorded: [recorded(5, 'dead')],
        delivered: [{ code: null, places: [1, 4, 6, 6], events: new Map() }],
      });
      const store = await openOperatorStore(folder);
      await store.act({ who: 'ann', from: 'here' }, {}).erase('gone', false);
      await store.close();
    });
    await copy();
    expect(await tables.values('SELECT seq FROM entries ORDER BY seq')).toEqual([1, 2, 3, 4, 5]);
    expect(await tables.query('SELECT route, first, last, gaps FROM delivery_log')).toEqual([
      { route: 'crm', first: 1, last: 5, gaps: [3, 3] },
    ]);
    expect(await tables.values('SELECT cursor FROM progress')).toEqual([5]);
    expect(await tables.values('SELECT seq FROM deliveries')).toEqual([4]);
  });

  test('still tells what repeats another one, though that is gone', async () => {
    const first = notification({ ownTime: 5, fingerprint: 'f'.repeat(22), accountId: 'gone' });
    await inFolder(async (journal) => {
      await journal.append([first, notification({ ownTime: 5, fingerprint: 'f'.repeat(22) })]);
      const store = await openOperatorStore(folder);
      await store.act({ who: 'ann', from: 'here' }, {}).erase('gone', false);
      await store.close();
    });
    await copy();
    expect(await tables.values('SELECT resend_of FROM entries')).toEqual([first.header.id]);
  });

  test('counts what fits no schema as it was counted', async () => {
    await inFolder((journal) => journal.append([notification({ unknownFields: ['/x'], state: 'invalid', problems })]));
    await copy();
    expect(await tables.query('SELECT path, keyword, count FROM drift_found ORDER BY path')).toEqual([
      { path: '/a/*', keyword: 'type', count: 1 },
      { path: '/x', keyword: 'unknownField', count: 1 },
    ]);
  });

  test("isn't copied while a daemon has it, or daemons run with the database", async () => {
    const journal = await openJournal(folder, log);
    await expect(copy()).rejects.toThrow(`a daemon has the journal in ${folder}: stop it first`);
    await journal.close();
    await tables.query("INSERT INTO hosts (name) VALUES ('other')");
    await tables.query(
      "INSERT INTO daemons (holder, name, version, configuration) VALUES ('11111111-1111-8111-8111-111111111111', 'other', '1', 'c')",
    );
    await tables.query("SELECT beat('11111111-1111-8111-8111-111111111111', 60000, 0)");
    await expect(copy()).rejects.toThrow('daemons run with the database: stop other');
  });

  test("isn't copied behind what a route has still to deliver", async () => {
    await inFolder(async (journal) => {
      await journal.append(some(1));
      await (await sessionOf(journal, 'crm')).close();
    });
    await tables.append([1, 2]);
    await tables.query("SELECT place('crm', 'earliest')");
    await expect(copy()).rejects.toThrow('the route crm is behind in the database by 2 notifications');
  });

  test("that took more after it was copied isn't taken for copied", async () => {
    await inFolder((journal) => journal.append(some(1)));
    await copy();
    await inFolder((journal) => journal.append(some(1)));
    await expect(copy()).rejects.toThrow('a daemon has taken notifications into it since');
  });
});

function some(count: number): Notification[] {
  return Array.from({ length: count }, () => notification({}));
}

/** What a daemon does that runs for a moment. */
async function inFolder(work: (journal: Journal) => Promise<unknown>): Promise<void> {
  const journal = await openJournal(folder, log);
  await work(journal);
  await journal.close();
}

async function copy(database: Database = tables) {
  const source = folderJournals.openSource(folder);
  try {
    return await copyJournal(database, source, 'here', {
      limits: unlimited,
      routeIn: (name) => (name === 'console' ? 'console@here' : name),
      tell(done, all) {
        progress.push(done);
        total = all;
      },
    });
  } finally {
    source.close();
  }
}

/** Fails from some call that changes something on. */
function cutOffAfter(calls: number): Database {
  let left = calls;
  const count = () => {
    left -= 1;
    if (left < 0) throw new Error('cut off');
  };
  return {
    ...tables,
    async query(text, values) {
      if (!/^SELECT (?!\* FROM append)/.test(text)) count();
      return tables.query(text, values);
    },
    async transaction(work) {
      count();
      return tables.transaction(work);
    },
  };
}
