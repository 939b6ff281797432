import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openedOperatorStore } from '../../../src/journal/postgres/operator-store.ts';
import { RouteStates } from '../../../src/journal/postgres/route-states.ts';
import type { RouteState } from '../../../src/journal/reader.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

/*
 * What a daemon shows of its routes to all who share the journal.
 */

let server: SharedPostgres;
let tables: Tables;
/** By route, as the daemon has them. */
let states: Map<string, RouteState>;

const closed: RouteState = {
  ...{ inFlight: 0, conditionFailures: 0, conditionTrouble: null, interrupted: undefined, refusedAccounts: 0 },
  ...{ circuit: 'closed', circuitSince: 1_000, trouble: undefined, probeIn: 0 },
};
const open: RouteState = {
  ...closed,
  circuit: 'open',
  trouble: { reason: 'answered 503', code: 503 },
  probeIn: 60_000,
};

beforeAll(async () => {
  server = await sharePostgres();
  tables = await makeTables(server.url);
});

afterAll(async () => {
  await tables.close();
  await server.close();
});

beforeEach(async () => {
  await tables.query('TRUNCATE hosts, daemons, beats, routes, progress, route_states, registrations');
  await tables.query("SELECT place('crm', 'now'), place('log', 'now')");
  states = new Map([['crm', closed]]);
});

test('the state of a route is shown to all, with what has been of the time until its next probe', async () => {
  const one = await daemon('one');
  states.set('crm', open);
  await one.write();
  await tables.query('UPDATE route_states SET at = at - 20000');
  const [crm, log] = await shown();
  expect(crm).toMatchObject({ circuit: 'open', trouble: { reason: 'answered 503', code: 503 }, circuitSince: 1_000 });
  expect(crm?.probeIn).toBeLessThanOrEqual(40_000);
  expect(crm?.probeIn).toBeGreaterThan(30_000);
  expect(log).toBeNull();
});

test('a row is written where something has changed, and takes the place of the one before', async () => {
  const one = await daemon('one');
  const numbers: unknown[] = [];
  for (const state of [closed, { ...closed, inFlight: 2 }, open, { ...open, probeIn: open.probeIn - 100 }, closed]) {
    states.set('crm', state);
    if (one.isDue) await one.write();
    numbers.push(...(await tables.values('SELECT number FROM route_states')));
  }
  expect(new Set(numbers).size).toBe(4);
  expect(numbers).toHaveLength(5);
  expect(one.isDue).toBe(false);
});

test('a reason is cut to what a row may have', async () => {
  const one = await daemon('one');
  states.set('crm', { ...open, trouble: { reason: `\0${'x'.repeat(10_000)}` }, interrupted: 'y'.repeat(10_000) });
  await one.write();
  expect((await shown())[0]?.trouble?.reason).toMatch(/^\0x{400,}/);
  expect(Number((await tables.values('SELECT max(octet_length(state)) FROM route_states'))[0])).toBeLessThan(1_500);
});

test('it counts while that daemon has the route and lives; of another one nothing is written any more', async () => {
  const one = await daemon('one');
  await one.write();
  const two = await daemon('two');
  expect(await shown()).toEqual([null, null]);
  states.set('crm', { ...closed, inFlight: 3 });
  await one.write();
  expect([one.isDue, await shown()]).toEqual([true, [null, null]]);
  await two.write();
  expect((await shown())[0]?.inFlight).toBe(3);
  expect(await tables.values('SELECT count(*) FROM route_states')).toEqual([1]);
  await tables.query('UPDATE beats SET expires_at = 1');
  expect(await shown()).toEqual([null, null]);
  await tables.query("SELECT forget_route('crm')");
  expect(await tables.values('SELECT count(*) FROM route_states')).toEqual([0]);
});

/** Takes the route crm. */
async function daemon(name: string): Promise<RouteStates> {
  const holder = randomUUID();
  await tables.query('INSERT INTO hosts (name) VALUES ($1)', [name]);
  await tables.query("INSERT INTO daemons (holder, name, version, configuration) VALUES ($1, $2, '1', 'c')", [
    holder,
    name,
  ]);
  await tables.query('INSERT INTO beats VALUES ($1, now_ms() + 60000, 0)', [holder]);
  await tables.query("UPDATE routes SET holder = $1 WHERE route = 'crm'", [holder]);
  return new RouteStates(tables, holder, () => states);
}

/** Of crm and of log. */
async function shown(): Promise<(RouteState | null)[]> {
  const { routes } = await openedOperatorStore(tables, {} as never).summary();
  return routes.map(({ state }) => state);
}
