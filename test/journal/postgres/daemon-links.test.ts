import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DaemonLinks } from '../../../src/journal/postgres/daemon-links.ts';
import { openedOperatorStore } from '../../../src/journal/postgres/operator-store.ts';
import type { LinkState } from '../../../src/journal/reader.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

/*
 * What a daemon shows of its links to brokers to all who share the journal.
 */

const holder = randomUUID();
const consuming: LinkState = {
  ...{
    zone: 'west',
    broker: '10.0.0.1:5672',
    state: 'consuming',
    since: 1_000,
    paused: false,
    reason: null,
    code: null,
  },
};

let server: SharedPostgres;
let tables: Tables;

beforeAll(async () => {
  server = await sharePostgres();
  tables = await makeTables(server.url);
  await tables.query("INSERT INTO hosts (name) VALUES ('one')");
  await tables.query("INSERT INTO daemons (holder, name, version, configuration) VALUES ($1, 'one', '1', 'c')", [
    holder,
  ]);
});

afterAll(async () => {
  await tables.close();
  await server.close();
});

test('links are shown to all where they have changed, and again where the database has lost them', async () => {
  let links: LinkState[] = [];
  const one = new DaemonLinks(tables, holder, () => links);
  expect([one.isDue, await shown()]).toEqual([false, []]);
  links = [consuming];
  expect(one.isDue).toBe(true);
  await one.write();
  expect([one.isDue, await shown()]).toEqual([false, [consuming]]);
  links = [{ ...consuming, state: 'away', since: 2_000, reason: 'x'.repeat(10_000), code: 'ECONNREFUSED' }];
  await one.write();
  const [away] = (await shown()) ?? [];
  expect(away).toMatchObject({ state: 'away', since: 2_000, code: 'ECONNREFUSED' });
  expect(away?.reason?.length).toBeLessThan(1_000);
  await tables.query("UPDATE daemons SET links = '[]'");
  one.showAgain();
  await one.write();
  expect(await shown()).toEqual([away]);
});

async function shown(): Promise<readonly LinkState[] | undefined> {
  const { daemons } = await openedOperatorStore(tables, {} as never).summary();
  return daemons.find(({ name }) => name === 'one')?.links;
}
