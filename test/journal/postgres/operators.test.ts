import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Queryable } from '../../../src/journal/postgres/connection.ts';
import { countOf, eventGroups } from '../../../src/journal/postgres/delivery-groups.ts';
import { compactingBy } from '../../../src/journal/postgres/erase.ts';
import { openedOperatorStore } from '../../../src/journal/postgres/operator-store.ts';
import { records } from '../../../src/journal/postgres/records.ts';
import type { Attempt } from '../../../src/journal/route-session.ts';
import { type Operating, operating } from '../../support/operator.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { until } from '../../support/until.ts';

let server: SharedPostgres;
let tables: Tables;
let store: Operating;
let compacted: string[];

beforeAll(async () => {
  server = await sharePostgres();
  // It is looked once whether two wait for each other: not before they can, and not a whole second later.
  await server.query(`ALTER DATABASE ${new URL(server.url).pathname.slice(1)} SET deadlock_timeout TO '500ms'`);
});

afterAll(() => server.close());

beforeEach(async () => {
  tables = await makeTables(server.url);
  compacted = [];
  const compacting = compactingBy(tables);
  const told = async (table: string, isFull: boolean) => {
    compacted.push(isFull ? `${table} anew` : table);
    await compacting(table, isFull);
  };
  store = operating(openedOperatorStore(tables, told));
  for (const route of ['r', 's']) await tables.query("SELECT place($1, 'earliest')", [route]);
});

afterEach(() => tables.close());

describe('what operators do to a shared journal', () => {
  test('is numbered in the order in which it can be seen, and told to the daemons each time', async () => {
    const before = await signals();
    const routes = Array.from({ length: 20 }, (_, index) => `route${index}`);
    await Promise.all(routes.map((route) => store.act({ who: route, from: 'here' }, {}).pause(route)));
    const acts = await store.acts(0, 100);
    expect(acts.map(({ number }) => number)).toEqual(routes.map((_, index) => index + 1));
    const told = (await signals()).slice(before.length);
    expect(told.map(({ route }) => route)).toEqual(acts.map(({ who }) => who));
  });

  test('goes on in steps, of which one row of the audit counts all', async () => {
    await appended(3_000);
    await tables.query(
      `INSERT INTO deliveries (route, seq, event, state, reason, updated_at)
       SELECT 'r', n, 'e', 'dead', 'x', 1 FROM generate_series(1, 3000) n`,
    );
    const steps: number[] = [];
    for await (const step of store.retryDead({ event: 'e' })) steps.push(step);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps.reduce((sum, step) => sum + step, 0)).toBe(3_000);
    expect(await store.acts(0, 10)).toMatchObject([{ act: 'retry', count: 3_000 }]);
    expect(await store.groups({ states: ['waiting', 'dead'] })).toMatchObject([{ state: 'waiting', count: 3_000 }]);
  });

  test('is counted the same whenever changes are added to the sums, and looked at', async () => {
    const count = (from: string) => `SELECT route, state, count(*) AS count, count(*) FILTER (
      WHERE state <> 'waiting' AND updated_at > coalesce((SELECT at FROM looks l WHERE l.route = d.route), 0)) AS unseen
      FROM ${from} d GROUP BY route, state ORDER BY route, state`;
    const steps = [
      "INSERT INTO deliveries (route, seq, state, reason, updated_at) SELECT 'r', n, 'dead', 'x', n FROM generate_series(1, 9) n",
      "SELECT look(4, 'r')",
      'SELECT sum_changes(3)',
      'SELECT look(5, NULL)',
      'DELETE FROM deliveries WHERE seq IN (2, 7)',
      "INSERT INTO deliveries (route, seq, state, reason, updated_at) SELECT 's', n, 'quarantined', 'y', n FROM generate_series(4, 6) n",
      'SELECT sum_changes(1000)',
      "UPDATE deliveries SET state = 'waiting' WHERE seq IN (3, 6)",
      "SELECT look(6, 's')",
      "UPDATE deliveries SET state = 'dead', updated_at = 20 WHERE seq IN (3, 4)",
      'SELECT sum_changes(2)',
      'UPDATE deliveries SET updated_at = 30, due_at = 1',
      "SELECT look(25, 'r')",
      "DELETE FROM deliveries WHERE route = 'r'",
      "SELECT forget_route('r')",
      'SELECT sum_changes(1000)',
    ];
    for (const step of steps) {
      await tables.query(step);
      const exact = await tables.query(count('deliveries'));
      expect([step, await tables.query('SELECT * FROM totals ORDER BY route, state')]).toEqual([step, exact]);
    }
    expect(await tables.values('SELECT count(*) FROM delivery_changes')).toEqual([0]);
  });

  test('is read by few rows, however many records there are', async () => {
    await appended(100);
    await tables.query(
      `INSERT INTO deliveries (route, seq, event, state, reason, updated_at, due_at)
       SELECT 'r' || n % 2, n, 'event' || n / 9001, CASE n % 3 WHEN 0 THEN 'waiting' ELSE 'dead' END, 'reason' || n % 5, n, n
       FROM generate_series(1, 10000) n`,
    );
    await tables.query('SELECT sum_changes(20000)');
    await tables.query('ANALYZE');
    const [dead, waiting] = [['dead'], ['waiting']] as const;
    /** Rows that some work reads. */
    const read = (work: (within: Queryable) => Promise<unknown>) =>
      tables.transaction(async (within) => {
        const sofar = async () => {
          const [row] = await within.query<{ rows: number }>(
            `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint AS rows FROM pg_stat_xact_user_tables
             WHERE schemaname = current_schema() AND relname LIKE 'deliver%'`,
          );
          return row?.rows ?? Number.NaN;
        };
        const before = await sofar();
        await work(within);
        return (await sofar()) - before;
      });
    const found: number[] = [];
    for (const work of [
      (within) => eventGroups(within, { states: [...dead, ...waiting] }, 100),
      (within) => countOf(within, { states: dead, event: 'event1', reason: 'reason1' }),
      (within) => records(within, { states: dead, event: 'event1' }, 0, 10),
      (within) => records(within, { states: waiting, route: 'r1', reason: 'reason4', event: 'event1' }, 0, 10),
      (within) => within.query('SELECT * FROM totals'),
    ] satisfies ((within: Queryable) => Promise<unknown>)[])
      found.push(await read(work));
    expect(found.filter((rows) => !(rows < 400))).toEqual([]);

    expect(await read((within) => records(within, { states: dead, since: 1e15 }, 0, 10))).toBeGreaterThan(5_000);
  });

  test('tells a record from the one before it, however soon it is begun anew', async () => {
    await appended(1);
    await tables.query(
      `INSERT INTO deliveries (route, seq, state, reason, updated_at, restarted_at, attempts)
       VALUES ('r', 1, 'dead', 'x', 1, now_ms() + 1000000, '[{"at":1,"duration":2,"outcome":"dead","reason":"a \\"b\\""}]')`,
    );
    const begun: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      await tables.query("UPDATE deliveries SET state = 'dead'");
      await store.retry(await store.records({ states: ['dead'] }, 0, 1));
      const [row] = await tables.query<{ restarted_at: number; attempts: string }>(
        'SELECT restarted_at, attempts FROM deliveries',
      );
      const attempts = JSON.parse(row?.attempts ?? '[]') as Attempt[];
      expect(attempts.map(({ outcome }) => outcome)).toEqual(['dead', ...Array(time + 1).fill('restart')]);
      expect(attempts.at(-1)).toEqual(
        expect.objectContaining({ at: row?.restarted_at, reason: 'tried again by hand' }),
      );
      begun.push(row?.restarted_at ?? 0);
    }
    expect(begun).toEqual([0, 1, 2].map((more) => (begun[0] ?? 0) + more));
  });

  test('is done again where a daemon’s settlement and it were in each other’s way', async () => {
    const done = Promise.withResolvers<number>();
    await appended(2);
    await tables.query(
      "INSERT INTO deliveries (route, seq, state, reason, updated_at) SELECT 'r', n, 'dead', 'x', 1 FROM generate_series(1, 2) n",
    );
    const records = await store.records({ states: ['dead'] }, 0, 10);
    await tables.transaction(async (within) => {
      // The act's connection finds that they wait for each other before this one does.
      await within.query("SET LOCAL deadlock_timeout TO '1h'");
      await within.query('SET LOCAL idle_in_transaction_session_timeout TO 0');
      await within.query('UPDATE deliveries SET reason = $1 WHERE seq = 2', ['y']);
      const dropped = store.drop(records);
      await until(() => isWaited(within), { what: 'the act to wait', interval: 5 });
      await within.query('UPDATE deliveries SET reason = $1 WHERE seq = 1', ['y']);
      void dropped.then(done.resolve, done.reject);
    });
    expect(await done.promise).toBe(2);
    expect(await store.acts(0, 10)).toMatchObject([{ act: 'drop', count: 2 }]);
  });

  test('can wish for a probe of one route, or of all', async () => {
    await store.askForProbe?.('r');
    await store.askForProbe?.(null);
    expect((await signals()).slice(-2)).toEqual([
      { kind: 'probe', route: 'r' },
      { kind: 'probe', route: null },
    ]);
  });

  test('says what fits no schema now: that is kept among what is invalid, until it fits', async () => {
    await appended(1);
    const problems = [{ path: '/a', keyword: 'type', message: 'must be a string' }];
    await store.saveValidation(1, 'invalid', problems);
    const kept = async () => (await tables.values('SELECT rank FROM kept'))[0];
    expect([await kept(), await tables.values('SELECT seq FROM log')]).toEqual([2, []]);
    expect(await store.entryAt(1)).toMatchObject({ state: 'invalid', problems });
    await store.saveValidation(1, 'valid', []);
    expect([await kept(), await store.entryAt(1)]).toMatchObject([null, { state: 'valid', problems: [] }]);
  });
});

describe('what is read of a shared journal', () => {
  test('is found by events and accounts on both sides of what is gone', async () => {
    await appended(700, { event: 'old' });
    await appended(3, { event: 'rare%_' });
    await tables.query('INSERT INTO appends (last, rows, newest) VALUES (18000, 17297, 700)');
    await appended(2_703, { event: 'often' });
    await appended(2, { event: 'rare%_' });
    const places = async (query: object) => (await store.find({ limit: 4, ...query })).map(({ seq }) => seq);
    expect(await places({ events: ['rare*'] })).toEqual([702, 703, 20_704, 20_705]);
    expect(await places({ events: ['rare*'], after: 0 })).toEqual([701, 702, 703, 20_704]);
    expect(await places({ events: ['r%*'], after: 0 })).toEqual([]);
    expect(await places({ accounts: ['a'], after: 701 })).toEqual([702, 703, 18_001, 18_002]);
    const { entries } = await store.search({ events: ['*%_'], since: 1, limit: 10 });
    expect(entries.map(({ seq }) => seq)).toEqual([20_705, 20_704, 703, 702, 701]);
  });

  test('is found by its time, though the map of times was thinned', async () => {
    for (const at of [1_000, 2_000, 3_000]) await tables.append([at, at + 1]);
    await tables.query('DELETE FROM appends WHERE last = 4');
    expect((await store.find({ since: 2_000, limit: 10 })).map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
    await tables.query("SELECT place('t', '2001')");
    expect(await store.cursorOf('t')).toBe(3);
  });

  test('says which daemons live, or are gone without a word, and which routes they have', async () => {
    await tables.query("INSERT INTO hosts (name) SELECT unnest('{west,east,south,north}'::text[])");
    const run = async (name: string, parts: { before?: boolean; until?: number; stopped?: boolean } = {}) => {
      const { before = false, until: to = Date.now() + 60_000, stopped = false } = parts;
      const holder = randomUUID();
      await tables.query(
        `INSERT INTO daemons (holder, name, version, configuration, started_at, stopped_at) VALUES ($1, $2, '1', 'c', $3, $4)`,
        [holder, name, before ? 1 : 2, stopped ? to : null],
      );
      await tables.query('INSERT INTO beats VALUES ($1, $2, 7)', [holder, to]);
      return holder;
    };
    const minute = 60_000;
    await run('west', { before: true, until: Date.now() - minute });
    const west = await run('west');
    const east = await run('east', { until: Date.now() - minute });
    await run('south', { stopped: true, until: Date.now() - minute });
    await run('north', { until: Date.now() - 2_000 * minute });
    await tables.query("UPDATE routes SET holder = CASE route WHEN 'r' THEN $1::uuid ELSE $2::uuid END", [west, east]);
    const { daemons, routes } = await store.summary();
    const one = { version: '1', configuration: 'c', since: 2, skew: 7, links: [] };
    expect(daemons).toEqual([
      { ...one, name: 'east', lives: false, routes: [] },
      { ...one, name: 'west', lives: true, routes: ['r'] },
    ]);
    expect(routes.map(({ name, holder }) => [name, holder])).toEqual([
      ['r', 'west'],
      ['s', null],
    ]);
  });

  test('comes in parts where bodies are large, and all of it', async () => {
    const json = JSON.stringify({ filler: 'x'.repeat(1_500_000) });
    for (let count = 0; count < 8; count += 1) await tables.append([count + 1], { json });
    expect((await store.search({ limit: 10 })).entries.map(({ seq }) => seq)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });
});

describe('erasing an account of a shared journal', () => {
  test('leaves no line about it, takes it out of its tables, and says what else there is', async () => {
    await tables.query("SELECT place('t', 'earliest')");
    await appended(1, { json: '{"of":"a"}' });
    await accountOf(1, 'other');
    await appended(3, { isResent: true });
    await tables.append([4_000], { rank: 2, isResent: true });
    await tables.query(
      `INSERT INTO deliveries (route, seq, account_id, state, reason, updated_at)
       SELECT route, seq, 'a', 'dead', 'x', 1 FROM generate_series(1, 5) seq, unnest('{r,s}'::text[]) route`,
    );
    await tables.query(
      `INSERT INTO delivery_log (first, last, attempts, route, outcome, gaps)
       VALUES (2, 2, 1, 't', 'delivered', NULL), (1, 5, 1, 't', 'delivered', '{}'), (1, 1, 1, 't', 'delivered', NULL)`,
    );
    const held = await store.holdingsOf('a');
    expect(held).toMatchObject({ notifications: 4, oldest: 1, newest: 4_000, dead: 8, mentions: 1 });
    expect(held.uncovered.join()).toMatch(/write-ahead log.*standbys.*backups.*--compact.*spool/);
    expect(await store.erase('a', false)).toMatchObject({ notifications: 4 });
    const rows = (table: string) => tables.values(`SELECT count(*) FROM ${table}`);
    expect(await Promise.all(['entries', 'ids', 'occurrences'].map(rows))).toEqual([[1], [1], [0]]);
    expect(await tables.values('SELECT DISTINCT seq FROM deliveries')).toEqual([1]);
    expect(await tables.values('SELECT first FROM delivery_log ORDER BY number')).toEqual([1, 1]);
    expect(await store.acts(0, 10)).toMatchObject([{ act: 'erase', count: 4 }]);
    expect(compacted.toSorted()).toEqual(['delivery_log', 'deliveries', 'kept', 'log_0'].toSorted());
  });

  test('writes its tables anew only where no daemon has the journal', async () => {
    await appended(1);
    await tables.query("INSERT INTO hosts (name) VALUES ('west')");
    const holder = randomUUID();
    await tables.query("INSERT INTO daemons (holder, name, version, configuration) VALUES ($1, 'west', '1', 'c')", [
      holder,
    ]);
    await tables.query('INSERT INTO beats VALUES ($1, now_ms() + 60000, 0)', [holder]);
    await expect(store.erase('a', true)).rejects.toThrow(
      'the journal is to be compacted, and daemons have it: stop them first (west)',
    );
    await tables.query('UPDATE daemons SET stopped_at = now_ms()');
    const file = async () => (await tables.values("SELECT pg_relation_filepath('log_0')"))[0];
    const before = await file();
    expect(await store.erase('a', true)).toMatchObject({ notifications: 1 });
    expect(compacted).toContain('log_0 anew');
    expect(await file()).not.toBe(before);
  });
});

/** Whether somebody waits for this transaction. */
async function isWaited(within: Queryable): Promise<boolean> {
  const waiting = 'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))';
  const [row] = await within.query<{ is: boolean }>(`SELECT EXISTS (${waiting}) AS is`);
  return row?.is === true;
}

/** So many notifications of the account `a`, received one after the other from the time 1 on. */
function appended(count: number, parts: object = {}): Promise<number> {
  return tables.append(
    Array.from({ length: count }, (_, index) => index + 1),
    parts,
  );
}

async function accountOf(seq: number, accountId: string): Promise<void> {
  await tables.query('UPDATE log SET account_id = $2 WHERE seq = $1', [seq, accountId]);
}

async function signals(): Promise<readonly { readonly kind: string; readonly route: string | null }[]> {
  return tables.query('SELECT kind, route FROM signals ORDER BY number');
}
