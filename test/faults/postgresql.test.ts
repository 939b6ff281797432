import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { closeSinks, openDatabaseSink } from '../support/database.ts';
import { notification } from '../support/notification.ts';
import { startPostgres, type TestPostgres } from '../support/postgresql.ts';
import { startTestRoute } from '../support/route.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(async () => {
  await closeSinks();
  await server.close();
});

test('a route loses nothing and buries nothing while its PostgreSQL is killed in the middle of batches', async () => {
  const sink = await openDatabaseSink({ url: server.url });
  await using tested = await startTestRoute(
    { flow: { batch: { max: 100, linger: 5 }, concurrency: 1 } },
    { deliver: (batch, signal) => sink.deliver(batch, signal) },
  );
  const ids: string[] = [];
  const appending = new AbortController();
  const appender = (async () => {
    while (!appending.signal.aborted) {
      ids.push(...(await tested.append(...Array.from({ length: 100 }, () => 'a'))));
      await delay(10);
    }
  })();
  for (let kill = 0; kill < 5; kill += 1) {
    // At random, so that it hits every stage of a batch: the test is right wherever it does.
    await delay(Math.random() * 300);
    await server.kill();
    await server.start();
  }
  appending.abort();
  await appender;
  const stored = async () => (await server.query('SELECT id FROM notifications')).map(({ id }) => String(id));
  await until(async () => (await stored()).length >= ids.length, { what: 'every row' });
  await tested.settled();
  expect((await stored()).toSorted()).toEqual(ids.toSorted());
  expect(tested.lines()).toEqual([]);
});

test.each([
  ['takes for ever', 'PERFORM pg_sleep(60);'],
  ['fails for want of memory', "RAISE 'out of memory' USING ERRCODE = '53200';"],
])(
  'a notification at which PostgreSQL always %s is given up by its own schedule, and holds up no other',
  async (_what, does) => {
    const table = `odd_${_what.length}`;
    // On a busy machine the connection may take longer than that, too.
    const open = () => openDatabaseSink({ url: server.url, table, statementTimeout: '200ms' }).catch(() => null);
    const sink = await until(open, { what: 'a connection within 200 ms' });
    await using tested = await startTestRoute(
      {
        flow: { batch: { max: 50, linger: 5 }, concurrency: 2 },
        circuit: { failures: 5, maxPause: 50 },
        retry: { schedule: [20, 20, 20], maxWait: 0 },
      },
      { deliver: (batch, signal) => sink.deliver(batch, signal) },
    );
    await server.query(`
    CREATE FUNCTION ${table}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.account_id = 'odd' THEN ${does} END IF; RETURN NEW; END $$;
    CREATE TRIGGER odd BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}()`);
    const ids: string[] = [];
    const appending = new AbortController();
    const appender = (async () => {
      while (!appending.signal.aborted) {
        ids.push(...(await tested.append(...Array.from({ length: 10 }, () => 'a'))));
        await delay(20);
      }
    })();
    const [odd] = await tested.append('odd');
    await until(() => tested.lines().some(({ state }) => state === 'dead'), { what: 'the odd one to be given up' });
    appending.abort();
    await appender;
    await tested.settled();
    const stored = await server.query(`SELECT id FROM ${table}`);
    expect(stored.map(({ id }) => String(id)).toSorted()).toEqual(ids.toSorted());
    expect(tested.lines()).toMatchObject([{ id: odd, state: 'dead', attempts: { length: 4 } }]);
  },
);

test.each(['none', 'account'] as const)(
  'a notification at which PostgreSQL always fails holds up none that come after it, with the order %s',
  async (order) => {
    const table = `first_${order}`;
    const sink = await openDatabaseSink({ url: server.url, table });
    await using tested = await startTestRoute(
      { order, flow: { batch: { max: 50, linger: 0 }, concurrency: 1 }, circuit: { failures: 5, maxPause: 50 } },
      { deliver: (batch, signal) => sink.deliver(batch, signal) },
    );
    await server.query(`
    CREATE FUNCTION ${table}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.data->>'odd' = 'true' THEN RAISE 'out of memory' USING ERRCODE = '53200'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER odd BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}()`);
    await tested.journal.append([notification({ accountId: null, json: '{"odd":true}' })]);
    await until(() => tested.route.activity.circuit !== 'closed', { what: 'the first one to fail alone' });
    const ids = await tested.append(null, 'a', null);
    const stored = async () => (await server.query(`SELECT id FROM ${table}`)).map(({ id }) => String(id)).toSorted();
    await until(async () => (await stored()).length === 3, { what: 'the others', timeout: 20_000 });
    expect(await stored()).toEqual(ids.toSorted());
  },
);
