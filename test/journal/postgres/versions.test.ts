import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pino from 'pino';
import { postgresServers } from '../../../src/common/net/postgres-url.ts';
import { Lane } from '../../../src/journal/postgres/connection.ts';
import { enterDaemon } from '../../../src/journal/postgres/daemon.ts';
import { ttl } from '../../../src/journal/postgres/lease.ts';
import { migrate } from '../../../src/journal/postgres/migrate.ts';
import { migrations } from '../../../src/journal/postgres/migrations.ts';
import { Primary } from '../../../src/journal/postgres/primary.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

const newer = [...migrations, 'CREATE TABLE added (n integer); INSERT INTO added VALUES (1)'];

let server: SharedPostgres;
let schema: string;
let lanes: Lane[];

beforeAll(async () => {
  server = await sharePostgres();
  schema = `versions_${randomUUID().slice(0, 8)}`;
  const primary = new Primary(postgresServers(server.url), schema, pino({ level: 'silent' }));
  lanes = Array.from({ length: 3 }, () => new Lane(primary, { size: 1, within: 60_000 }));
});

afterAll(async () => {
  for (const lane of lanes) await lane.close();
  await server.close();
});

beforeEach(() => server.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`));

test.each([
  ['nothing', async () => undefined],
  ['the version before', () => migrate(first(), schema)],
])('daemons that start at once bring a journal from %s to the newest version once', async (_from, prepare) => {
  await prepare();
  await Promise.all(lanes.map((lane) => migrate(lane, schema, newer)));
  expect(await first().query('SELECT n FROM added')).toEqual([{ n: 1 }]);
  expect(await first().query('SELECT version FROM version')).toEqual([{ version: newer.length }]);
});

test('a journal is brought to no newer version while a daemon lives that doesn’t know it, nor back to an older one', async () => {
  await migrate(first(), schema);
  const holder = randomUUID();
  await enterDaemon(first(), holder, 'alpha', { version: '0.2.0', configuration: '' });
  await first().query('SELECT * FROM beat($1, $2, 0)', [holder, ttl]);
  await expect(migrate(first(), schema, newer)).rejects.toThrow("daemons run that don't know it: stop alpha (0.2.0)");
  await first().query('SELECT leave($1)', [holder]);
  await migrate(first(), schema, newer);
  await expect(migrate(first(), schema)).rejects.toThrow('was written by a newer kazoo-relay');
});

function first(): Lane {
  const [lane] = lanes;
  if (lane === undefined) throw new Error('there is none');
  return lane;
}
