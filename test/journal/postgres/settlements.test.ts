import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { JournalError } from '../../../src/journal/journal.ts';
import { type Queryable, StoreAway } from '../../../src/journal/postgres/connection.ts';
import { Settlements } from '../../../src/journal/postgres/settlements.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { recorded } from '../../support/recorded.ts';

const holder = randomUUID();

/** What becomes of a call: its answer is lost, or it never arrives. */
type Trouble = 'unanswered' | 'away' | 'refused';

describe('the progress of routes on its way to the database', () => {
  let server: SharedPostgres;
  let tables: Tables;
  let troubles: (Trouble | undefined)[];
  let calls: number;
  let lost: string[];
  let delivered: string[];
  let settlements: Settlements;

  beforeAll(async () => {
    server = await sharePostgres();
    tables = await makeTables(server.url);
    await tables.append([1, 2, 3, 4]);
  });

  afterAll(async () => {
    await tables.close();
    await server.close();
  });

  beforeEach(async () => {
    [troubles, calls, lost, delivered] = [[], 0, [], []];
    await tables.query('DELETE FROM progress');
    await tables.query('DELETE FROM delivery_log');
    await tables.query('DELETE FROM deliveries');
    await tables.query('DELETE FROM routes');
    await tables.query("INSERT INTO routes (route, holder, epoch) VALUES ('r', $1, 1), ('s', $1, 1)", [holder]);
    const database: Queryable = {
      async query(text, values) {
        calls += 1;
        const trouble = troubles.shift();
        if (trouble === 'away') throw new StoreAway('away');
        if (trouble === 'refused') throw new JournalError('refused');
        const rows = await tables.query<never>(text, values);
        if (trouble === 'unanswered') throw new StoreAway('no answer');
        return rows;
      },
    };
    settlements = new Settlements({
      ...{ database, holder, skew: () => 0, onLost: (route) => lost.push(route) },
      counts: { add: (route) => delivered.push(route), addRun: (route) => delivered.push(route) },
    });
    settlements.begin('r', 1, []);
    settlements.begin('s', 1, []);
  });

  const run = (seq: number) => ({ code: 200, places: [seq, seq], events: new Map([['e', 1]]) });
  const stage = (route: string, cursor: number) =>
    settlements.stage(route, { cursor, recorded: [], settled: [], delivered: [run(cursor)] });
  const progress = () => tables.values("SELECT concat_ws(' ', route, n, cursor) FROM progress ORDER BY route, n");

  test('shares a call with all that is told meanwhile', async () => {
    const told = [stage('r', 1), stage('s', 2), stage('r', 2)];
    expect(new Set(told).size).toBe(1);
    await told[0];
    expect([calls, await progress()]).toEqual([1, ['r 1 2', 's 1 2']]);
    expect(delivered).toEqual(['r', 'r', 's']);
  });

  test('is told again as it was, where the answer was lost: it is saved once', async () => {
    troubles = ['unanswered'];
    await expect(stage('r', 1)).rejects.toThrow('no answer');
    // What comes later comes later.
    const next = stage('r', 2);
    await settlements.commit();
    await next;
    expect(await progress()).toEqual(['r 1 1', 'r 2 2']);
    expect(await tables.values('SELECT first FROM delivery_log ORDER BY number')).toEqual([1, 2]);
    expect(delivered).toEqual(['r', 'r']);
  });

  test('forgets nothing that could not be told, and tells whoever waits that it isn’t saved', async () => {
    troubles = ['away', 'away'];
    await expect(stage('r', 1)).rejects.toThrow('away');
    await expect(stage('s', 2)).rejects.toThrow('away');
    await settlements.commit();
    expect(await progress()).toEqual(['r 1 1', 's 1 2']);
  });

  test('is saved by itself where nobody asks for it', async () => {
    troubles = ['away'];
    await stage('r', 1).catch(() => undefined);
    await settlements.commitRecords('r');
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = setInterval(() => delivered.length > 0 && resolve(), 5);
    await promise;
    clearInterval(look);
    expect(await progress()).toEqual(['r 1 1']);
  });

  test('of a route that is somebody else’s is dropped, and that of others saved', async () => {
    await tables.query("UPDATE routes SET epoch = 2 WHERE route = 'r'");
    await Promise.all([stage('r', 1), stage('s', 2)]);
    expect([lost, await progress(), delivered]).toEqual([['r'], ['s 1 2'], ['s']]);
  });

  test('that can’t be saved keeps no other one from it', async () => {
    troubles = ['refused', 'refused'];
    await Promise.all([stage('r', 1), stage('s', 2)]);
    expect([lost, await progress()]).toEqual([['r'], ['s 1 2']]);
  });

  test('holds whatever a receiver has answered', async () => {
    const reason = 'a\0b\ud800';
    const attempts = [{ at: 1, duration: 1, outcome: 'retry' as const, code: reason, reason }];
    const record = { ...recorded(3, 'dead'), accountId: reason, reason, attempts };
    const settled = [{ seq: 4, restartedAt: 0, event: 'e', code: reason, attempts: 1 }];
    await settlements.stage('r', { cursor: 4, recorded: [record], settled, delivered: [] });
    expect(await tables.query('SELECT account_id, reason, attempts FROM deliveries')).toEqual([
      { account_id: 'a�b�', reason: 'a�b�', attempts: JSON.stringify(attempts) },
    ]);
    expect(await tables.values('SELECT code FROM delivery_log')).toEqual(['a�b�']);
  });
});
