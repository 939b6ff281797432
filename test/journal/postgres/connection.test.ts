import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { postgresServers } from '../../../src/common/net/postgres-url.ts';
import { JournalError } from '../../../src/journal/journal.ts';
import { Lane, type LaneOptions, StoreAway } from '../../../src/journal/postgres/connection.ts';
import { Primary } from '../../../src/journal/postgres/primary.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { until } from '../../support/until.ts';

const log = pino({ level: 'silent' });

describe('connections to a shared journal', () => {
  let postgres: SharedPostgres;
  const lanes: Lane[] = [];

  beforeAll(async () => {
    postgres = await sharePostgres();
  });

  afterEach(async () => {
    await Promise.all(lanes.splice(0).map((lane) => lane.close()));
  });

  afterAll(() => postgres.close());

  const lane = (options: Partial<LaneOptions> = {}, url = postgres.url): Lane => {
    const made = new Lane(new Primary(postgresServers(url), 'public', log), { size: 1, within: 10_000, ...options });
    lanes.push(made);
    return made;
  };
  const pidOf = async (made: Lane) => (await made.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]?.pid;

  test('give bigint as numbers, and say what failed without any value', async () => {
    const made = lane();
    const values = '8::bigint AS one, ARRAY[9]::bigint[] AS several, ARRAY[]::bigint[] AS none';
    expect(await made.query(`SELECT ${values}`)).toEqual([{ one: 8, several: [9], none: [] }]);
    const failure = await made.query('SELECT $1::int', ['secret']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(JournalError);
    expect(failure).not.toBeInstanceOf(StoreAway);
    expect(String(failure) + String((failure as Error).cause)).not.toContain('secret');
    // It isn't about the server.
    expect(made.away).toBeNull();
  });

  test('are away from a failure of the server on, until another one can be used', async () => {
    const made = lane();
    const pid = await pidOf(made);
    const ending = made.query('SELECT pg_terminate_backend(pg_backend_pid())');
    await expect(ending).rejects.toThrow(StoreAway);
    expect(made.away).toMatchObject({ reason: expect.stringContaining('terminating connection') });
    expect(await pidOf(made)).not.toBe(pid);
    expect(made.away).toBeNull();
  });

  test('give up what isn’t answered in time, and what was left behind is never taken for an answer', async () => {
    const made = lane({ within: 300 });
    const pid = await pidOf(made);
    // The server’s own bound is the same: whichever comes first.
    await expect(made.query("SELECT pg_sleep(60), 'late' AS pid")).rejects.toThrow(StoreAway);
    expect(await pidOf(made)).not.toBe(pid);
  });

  test('end a transaction that thinks for a second, but where it may take longer', async () => {
    const allowed = async (made: Lane) => (await made.query('SHOW idle_in_transaction_session_timeout'))[0];
    expect(await allowed(lane())).toEqual({ idle_in_transaction_session_timeout: '1s' });
    expect(await allowed(lane({ idleTimeout: 600_000 }))).toEqual({ idle_in_transaction_session_timeout: '10min' });
  });

  test('take no commit for confirmed of which the server warns', async () => {
    const warn = "DO $$ BEGIN RAISE WARNING 'not replicated' USING ERRCODE = '01000'; END $$";
    await lane().query(warn);
    const confirmed = lane({ mustConfirm: true });
    await expect(confirmed.query(warn)).rejects.toThrow(/has not confirmed a commit: not replicated/);
    expect(await confirmed.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('lead to the first server of the URL that may be written to', async () => {
    const [, port = ''] = /:(\d+)\//.exec(postgres.url) ?? [];
    const several = postgres.url.replace(`:${port}/`, `:1,127.0.0.1:${port}/`);
    expect(await lane({}, several).query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const name = new URL(postgres.url).pathname.slice(1);
    await postgres.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const refused = lane({}, several);
    await expect(refused.query('SELECT 1')).rejects.toThrow(/ECONNREFUSED.*; .* is read-only$/);
    await postgres.query(`BEGIN READ WRITE; ALTER DATABASE ${name} RESET default_transaction_read_only; COMMIT`);
    await until(() => refused.away === null, { what: 'the server to be found' });
    expect(await refused.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('do a transaction again that was in another one’s way, and nothing of one that failed', async () => {
    const made = lane();
    await made.query('CREATE TABLE kept (n int)');
    let tries = 0;
    await made.transaction(async (within) => {
      tries += 1;
      await within.query(`INSERT INTO kept VALUES (${tries})`);
      if (tries === 1) await within.query("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
    });
    const failing = made.transaction(async (within) => {
      await within.query('INSERT INTO kept VALUES (3)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await made.query('SELECT n FROM kept')).toEqual([{ n: 2 }]);
  });

  test.each([
    ['a wrong password', (url: string) => url.replace('geheim', 'falsch'), /the password is wrong.*journal\.url/],
    [
      'a wrong password at several servers',
      (url: string) => url.replace(/geheim@([^/]+)/, 'falsch@$1,$1'),
      /the password is wrong.*; .*the password is wrong/,
    ],
    ['a database that is missing', (url: string) => `${url}_not`, /there is no such database.*journal\.url/],
  ])('say at once what is in the way of all of them: %s', async (_what, wrong, message) => {
    const refused = lane({}, wrong(postgres.url)).query('SELECT 1');
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.not.toBeInstanceOf(StoreAway);
  });
});
