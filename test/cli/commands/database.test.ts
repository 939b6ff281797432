import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cli } from '../../support/cli.ts';
import {
  closeSinks,
  deliver,
  deliveries,
  examineDatabase,
  openDatabaseSink,
  statuses,
} from '../../support/database.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

let folder: string;
let server: SharedPostgres;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-database-'));
  server = await sharePostgres();
});

afterEach(closeSinks);

afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

/** Runs `database schema calls` with a sink of these options beside a route that has another sink. */
function schema(sink: string, route = 'calls') {
  const file = join(folder, 'kazoo-relay.yaml');
  writeFileSync(
    file,
    `brokers: [{ zone: west, url: 'amqp://127.0.0.1' }]
routes:
  console: { sink: { type: log } }
  calls: { sink: { type: database, ${sink} } }
`,
  );
  return cli(['database', 'schema', route, '--config', file]);
}

describe('database schema', () => {
  test('prints SQL that makes a table for a daemon without the right to make one', async () => {
    await server.query("CREATE ROLE writer LOGIN PASSWORD 'x'");
    const columns = { caller: 'data.caller_id_number' };
    for (const [table, options] of Object.entries({
      plain: {},
      dated: { partition: 'month' },
      kept: { retention: '90d' },
    })) {
      const sink = { url: server.url, table, columns, ...options };
      const { stdout, stderr, code } = await schema(JSON.stringify(sink).slice(1, -1));
      expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
      await server.query(stdout);
      const url = server.url.replace('relay:geheim', 'writer:x');
      await expect(examineDatabase({ ...sink, url, migrate: false })).rejects.toThrow(/\(GRANT .*INSERT.* TO …\)$/);
      await server.query(`GRANT SELECT, INSERT, DELETE ON ${table} TO writer`);
      expect(await examineDatabase({ ...sink, url, migrate: false })).toContain('as it must be');
      const writer = await openDatabaseSink({ ...sink, url, migrate: false });
      expect(await statuses(deliver(writer, ...deliveries(2)))).toEqual(['delivered', 'delivered']);
      await expect(openDatabaseSink({ ...sink, table: 'other', url })).rejects.toThrow(/permission denied/);
    }
  });

  test('prints it for every dialect, without a server and without the password', async () => {
    for (const url of [
      'mysql://me:geheim@nowhere.invalid/db',
      'mariadb://me:geheim@nowhere.invalid/db',
      'sqlite:///x.db',
    ]) {
      const { stdout, stderr, code } = await schema(`url: '${url}'`);
      expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
      expect(stdout).toMatch(/^CREATE TABLE .notifications. \([^;]*PRIMARY KEY[^;]*\)[^;]*;\n\nCREATE INDEX/);
      expect(stdout).not.toContain('geheim');
    }
  });

  test('ends with 2 where there is nothing to print', async () => {
    const url = 'url: postgres://me:geheim@nowhere.invalid/db';
    expect(await schema(url, 'console')).toMatchObject({ code: 2, stderr: expect.stringContaining('there are calls') });
    const own = await schema(`${url}, columnsOnly: true, columns: { key: id }`);
    expect(own).toMatchObject({ code: 2, stderr: expect.stringContaining('a table of your own') });
  });

  test.each([
    ['url: postgres://u:geheim@h/d?sslmode=maybe', 'its sslmode is none of disable, allow, prefer'],
    ['url: postgres://u:geheim@h/d?ssl=true', 'it has the parameter ssl; there are sslmode'],
    ['url: mysql://u:geheim@10.0.0.1/d?sslmode=verify-full', 'needs a host name, not an address'],
    ['url: oracle://u:geheim@h/d', 'must be a URL such as postgres://'],
    ['url: sqlite:///x.db, schema: a', 'sink.schema is something that SQLite has no notion of'],
    ['url: mysql://u:geheim@h/d, partition: month', 'sink.partition is something that MySQL has no notion of'],
    ['url: postgres://u:geheim@h/d, table: "a\\"; DROP"', 'must be a name of letters, digits and _'],
    [
      'url: postgres://u:geheim@h/d, columns: { "a b": data.x }',
      'sink.columns.a b must have a name of letters, digits and _',
    ],
    ['url: postgres://u:geheim@h/d, columns: { a: data.x money }', 'must be a path into the envelope and a type'],
    ['url: postgres://u:geheim@h/d, columns: { Zone: data.x }', 'sink.columns.Zone is a column of every table of ours'],
    [
      'url: postgres://u:geheim@h/d, columns: { since: occurred_at integer }',
      "sink.columns.since is made as bigint, which can't hold a time as text",
    ],
    ['url: postgres://u:geheim@h/d, columnsOnly: true', 'needs exactly one column that holds the id'],
    ['url: postgres://u:geheim@h/d, columnsOnly: true, columns: { k: id }, retention: 1d', 'yours to tidy'],
  ])('ends with 2 and the mistake for %s', async (sink, message) => {
    const { stderr, code } = await schema(sink);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('geheim');
    expect(code).toBe(2);
  });
});
