import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pino from 'pino';
import { postgresServers } from '../../../src/common/net/postgres-url.ts';
import { testAccess } from '../../../src/journal/postgres/access.ts';
import { Lane } from '../../../src/journal/postgres/connection.ts';
import { migrate, newestVersion } from '../../../src/journal/postgres/migrate.ts';
import { Primary } from '../../../src/journal/postgres/primary.ts';
import { type JournalRole, makeJournalRole, type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

const schema = 'kazoo_relay';
let server: SharedPostgres;
let folder: string;
let own: JournalRole;
let role: string;
let url: string;

beforeAll(async () => {
  server = await sharePostgres();
});

afterAll(() => server.close());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-access-'));
  own = await makeJournalRole(server);
  ({ name: role, url } = own);
});

afterEach(async () => {
  await server.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await own.drop();
  rmSync(folder, { recursive: true });
});

test('a user that owns nothing but the schema of the journal, as the documentation makes it, is enough', async () => {
  await expect(tested()).rejects.toThrow(`as a superuser: CREATE SCHEMA ${schema} AUTHORIZATION ${role}`);
  await server.query(own.statement('CREATE SCHEMA'));
  expect(await tested()).toContain(`the schema ${schema} is empty: the daemon makes its tables at its start`);
  await migrateAs(url);
  expect(await tested()).toContain(`the schema ${schema} has a journal of version ${newestVersion}`);
});

test('a user that may make the schema is told that it isn’t there yet', async () => {
  await server.query(`GRANT CREATE ON DATABASE ${new URL(url).pathname.slice(1)} TO ${role}`);
  expect(await tested()).toContain(`the schema ${schema} is not there yet: the daemon makes it at its start`);
});

test('what is found at the server and beside it is told', async () => {
  await server.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${role}`);
  const lines = await tested(`${url.replace(/:(\d+)\//, ':$1,127.0.0.1:1/')}?sslmode=disable`);
  expect(lines).toEqual([
    expect.stringMatching(/^PostgreSQL [\d.]+ at 127\.0\.0\.1:\d+\/\w+ answers, unencrypted$/),
    expect.stringContaining('127.0.0.1:1/test_'),
    expect.stringContaining('is empty'),
    'fsync is off: a power cut may destroy the database',
    'it has no standby',
    expect.stringMatching(/^the database has [\d.]+ MiB; how much its disk has left, the server does not tell$/),
    expect.stringMatching(/^spool: .*journal\.sqlite can be made; [\d.]+ GiB are free there$/),
  ]);
});

test.each([
  ['a journal of somebody else', async () => migrateAs(server.url), () => `GRANT relay TO ${role}`],
  [
    'a journal of a newer program',
    async () => {
      await server.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${role}`);
      await migrateAs(url);
      await server.query(`UPDATE ${schema}.version SET version = 99`);
    },
    () => `version 99, and this program knows up to ${newestVersion}`,
  ],
  [
    'a server that confirms what is not on its disk',
    async () => {
      await server.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${role}`);
      await server.query(`ALTER ROLE ${role} SET synchronous_commit TO off`);
    },
    () => 'synchronous_commit is off',
  ],
  [
    'a wrong password',
    async () => void (await server.query(`ALTER ROLE ${role} PASSWORD 'other'`)),
    () => 'see the password in journal.url',
  ],
])('%s is refused, with the cure', async (_what, prepare, expected) => {
  await prepare();
  await expect(tested()).rejects.toThrow(expected());
  await expect(tested()).rejects.not.toThrow('geheim');
});

function tested(at = url): Promise<string[]> {
  return testAccess({ url: at, schema, spool: join(folder, 'spool'), spoolSize: 1, name: 'here' });
}

async function migrateAs(at: string): Promise<void> {
  const primary = new Primary(postgresServers(at), schema, pino({ level: 'silent' }));
  const database = new Lane(primary, { size: 1, within: 10_000 });
  try {
    await migrate(database, schema);
  } finally {
    await database.close();
  }
}
