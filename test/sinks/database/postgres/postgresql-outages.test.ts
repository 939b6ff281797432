import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Delivery } from '../../../../src/notification/envelope.ts';
import { type Sink, SinkUnavailable } from '../../../../src/sinks/sink.ts';
import { closeSinks, deliver, deliveries, deliveryOf, openDatabaseSink, statuses } from '../../../support/database.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgresql.ts';
import { until } from '../../../support/until.ts';
import { newTable } from '../common.ts';

let server: TestPostgres;
let table: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.query("CREATE ROLE writer LOGIN PASSWORD 'a b/c'; GRANT ALL ON SCHEMA public TO writer");
});

afterAll(() => server?.close());
afterEach(closeSinks);

const stored = async () => Number((await server.query(`SELECT count(*) AS n FROM ${table}`))[0]?.n);

function open(options: object = {}): Promise<Sink> {
  table = newTable();
  return openDatabaseSink({ url: server.url, table, statementTimeout: '1s', ...options });
}

/** A connection of somebody else's, closed at the end of the work. */
async function elsewhere<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Delivers until it works, as a route does. */
async function deliverAtLast(sink: Sink, batch: readonly Delivery[]): Promise<void> {
  await until(
    () =>
      deliver(sink, ...batch).then(
        (outcomes) => outcomes.every(({ status }) => status === 'delivered'),
        (error) => {
          if (!(error instanceof SinkUnavailable)) throw error;
          return false;
        },
      ),
    { what: 'a batch to be stored' },
  );
}

describe('PostgreSQL away', () => {
  test('by an administrator’s command (57P01), in the middle of a batch', async () => {
    const sink = await open({ statementTimeout: '10s' });
    await elsewhere(async (client) => {
      await client.query(`BEGIN; LOCK TABLE ${table}`);
      const waiting = deliver(sink, ...deliveries(5));
      waiting.catch(() => undefined);
      await until(() => waitingBackend(), { what: 'the batch to wait' });
      await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = $1', ['Lock']);
      await expect(waiting).rejects.toThrow(/terminating connection due to administrator command/);
    });
    await deliverAtLast(sink, deliveries(5));
    expect(await stored()).toBe(5);
  });

  test('by a server that is read-only after a fail-over', async () => {
    const sink = await open();
    await deliver(sink, ...deliveries(1));
    await server.query("ALTER SYSTEM SET default_transaction_read_only = 'on'");
    await server.query('SELECT pg_reload_conf()');
    await until(
      () =>
        deliver(sink, ...deliveries(1)).then(
          () => false,
          (error) => /read-only/.test(String(error)),
        ),
      {
        what: 'the server to be read-only',
      },
    );
    await server.query('ALTER SYSTEM RESET default_transaction_read_only');
    await server.query('SELECT pg_reload_conf()');
    await deliverAtLast(sink, deliveries(1));
  });

  test('by a lock that somebody holds, which it waits for no longer than a statement may take', async () => {
    const sink = await open();
    await elsewhere(async (client) => {
      await client.query(`BEGIN; LOCK TABLE ${table}`);
      await expect(deliver(sink, ...deliveries(1))).rejects.toThrow(/canceling statement due to lock timeout/);
    });
    await deliverAtLast(sink, deliveries(1));
  });

  test('by a statement that takes too long', async () => {
    const sink = await open();
    await server.query(raising('pg_sleep(60)'));
    await expect(deliver(sink, ...deliveries(1))).rejects.toThrow(/canceling statement due to statement timeout/);
  });

  test('by a server process that stands still', async () => {
    const sink = await open();
    await deliver(sink, ...deliveries(1));
    const pids = await server.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'kazoo-relay'");
    for (const { pid } of pids) process.kill(Number(pid), 'SIGSTOP');
    await expect(deliver(sink, ...deliveries(1))).rejects.toThrow(SinkUnavailable);
    await deliverAtLast(sink, deliveries(2));
    for (const { pid } of pids) process.kill(Number(pid), 'SIGCONT');
    expect(await stored()).toBe(3);
  });

  test('by too many connections', async () => {
    await server.query('ALTER ROLE writer CONNECTION LIMIT 0');
    const url = server.url.replace('relay:geheim', 'writer:a%20b%2Fc');
    await expect(open({ url })).rejects.toThrow(/too many connections for role "writer"/);
    await server.query('ALTER ROLE writer CONNECTION LIMIT 10');
    expect(await statuses(deliver(await open({ url }), ...deliveries(1)))).toEqual(['delivered']);
  });

  test('by a disk that is full, as the server says it', async () => {
    const sink = await open();
    await server.query(raising("raise_error('53100')"));
    await expect(deliver(sink, ...deliveries(4))).rejects.toThrow(SinkUnavailable);
  });

  test('says so for what it could not store of a batch, and keeps what it could', async () => {
    const sink = await open();
    await server.query(raising("raise_error(CASE NEW.event WHEN 'bad' THEN '23514' WHEN 'full' THEN '53100' END)"));
    const batch = [...deliveries(2), deliveryOf({}, { event: 'bad' }), deliveryOf({}, { event: 'full' })];
    const outcomes = await deliver(sink, ...batch);
    expect(outcomes).toMatchObject([
      { status: 'delivered' },
      { status: 'delivered' },
      { status: 'dead', code: '23514' },
      { status: 'retry', code: '53100', away: true },
    ]);
  });
});

describe('an error that may be about a row or about the server', () => {
  test('is about the row where others are stored, in one batch, and costs none of them', async () => {
    const sink = await open();
    await server.query(raising("raise_error(CASE NEW.event WHEN 'odd' THEN '53200' END)"));
    const batch = deliveries(40);
    for (const index of [5, 6, 31]) batch[index] = deliveryOf({}, { event: 'odd' });
    const outcomes = await deliver(sink, ...batch);
    expect(outcomes.flatMap(({ status }, index) => (status === 'retry' ? [index] : []))).toEqual([5, 6, 31]);
    expect(outcomes[5]).toMatchObject({ status: 'retry', code: '53200', reason: 'out of memory (53200)' });
    expect(await stored()).toBe(37);
  });

  test('is about the row that came alone, or first, once another has been stored since it failed', async () => {
    const sink = await open();
    await server.query(raising("raise_error(CASE NEW.event WHEN 'odd' THEN '57014' END)"));
    const odd = deliveryOf({}, { event: 'odd' });
    for (const batch of [[odd], [odd, ...deliveries(3)]])
      await expect(deliver(sink, ...batch)).rejects.toThrow(SinkUnavailable);
    await deliver(sink, ...deliveries(1));
    expect(await statuses(deliver(sink, odd, ...deliveries(3)))).toEqual(['retry', ...Array(3).fill('delivered')]);
    expect(await statuses(deliver(sink, odd))).toEqual(['retry']);
    await expect(deliver(sink, odd)).rejects.toThrow(SinkUnavailable);
  });

  test('is about the server where it fails at every row', async () => {
    const sink = await open();
    await server.query(raising("raise_error('53100')"));
    await expect(deliver(sink, ...deliveries(100))).rejects.toThrow(SinkUnavailable);
  });
});

describe('transactions in each other’s way', () => {
  test('by a deadlock are tried again at once', async () => {
    const sink = await open({ statementTimeout: '10s' });
    const [one, two] = [...deliveries(2)];
    await elsewhere(async (client) => {
      const insert = (delivery: Delivery | undefined) =>
        client.query(
          `INSERT INTO ${table} (id, zone, occurred_at, received_at, valid, problems) VALUES ($1, 'x', now(), now(), true, '[]')`,
          [delivery?.header.id],
        );
      await client.query('BEGIN');
      await insert(two);
      const ours = statuses(
        sink.deliver(
          [one, two].filter((each) => each !== undefined),
          AbortSignal.timeout(20_000),
        ),
      );
      await until(() => waitingBackend(), { what: 'the batch to wait for the other’s row' });
      await insert(one).catch(() => undefined);
      await client.query('COMMIT');
      expect(await ours).toEqual(['delivered', 'delivered']);
    });
    expect(await stored()).toBe(2);
  });

  test('by a serialization failure are tried again at once, and not for ever', async () => {
    const sink = await open();
    await server.query(`CREATE SEQUENCE tries_${table}`);
    await server.query(raising(`raise_error(CASE WHEN nextval('tries_${table}') < 3 THEN '40001' END)`));
    expect(await statuses(deliver(sink, ...deliveries(1)))).toEqual(['delivered']);
    await server.query(raising("raise_error('40001')"));
    await expect(deliver(sink, ...deliveries(1))).rejects.toThrow(SinkUnavailable);
  });
});

async function waitingBackend(): Promise<boolean> {
  const rows = await server.query(
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'kazoo-relay'",
  );
  return rows.length > 0;
}

/** A trigger on the table that evaluates something before each row. */
function raising(what: string): string {
  return `
    CREATE OR REPLACE FUNCTION raise_error(code text) RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN IF code IS NOT NULL THEN RAISE EXCEPTION 'raised' USING ERRCODE = code; END IF; END $$;
    CREATE OR REPLACE FUNCTION do_${table}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM ${what}; RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER do_it BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION do_${table}()`;
}
