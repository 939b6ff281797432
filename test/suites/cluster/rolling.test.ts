import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startPostgres, type TestPostgres } from '../../support/postgresql.ts';
import { type RelayCluster, startCluster, unsaved } from '../../support/relay-cluster.ts';
import { until } from '../../support/until.ts';

let server: TestPostgres;
let cluster: RelayCluster;

beforeAll(async () => {
  server = await startPostgres();
});

beforeEach(async () => {
  cluster = await startCluster({ database: () => server });
});

afterEach(() => cluster.close());

afterAll(() => server.close());

test('daemons that start at once make the tables once, and share the work', async () => {
  const names = ['a', 'b', 'c'];
  for (const name of names) cluster.add(name).start();
  for (const name of names) await cluster.daemon(name).daemon.says('consuming');
  await cluster.publish(500);
  await cluster.allDone();
  expect(await cluster.verify()).toBe(0);
  const origins = await cluster.rows('SELECT DISTINCT origin FROM log');
  expect(origins).toHaveLength(names.length);
});

test('a clock that is an hour ahead keeps its daemon from no lease, and delays no retry', async () => {
  const ahead = { NODE_OPTIONS: `--import ${import.meta.resolve('../../support/clock-ahead.mjs')}` };
  await cluster.add('ahead').startWith(ahead).says('consuming');
  await cluster.add('right').start().says('consuming');
  let failures = 0;
  cluster.receiver.answer = () => {
    failures += 1;
    return failures % 10 === 0 ? 503 : 200;
  };
  const load = cluster.publishing();
  for (const holder of ['ahead', 'right', 'ahead']) {
    expect(await cluster.takenOver(null)).toBe(holder);
    await cluster.moreArrive(150);
    await cluster.daemon(holder).daemon.end('SIGKILL');
    await cluster.mark();
    await cluster.takenOver(holder);
    cluster.daemon(holder).startWith(holder === 'ahead' ? ahead : {});
  }
  await load.stop();
  await cluster.allDone();
  expect(await cluster.verify()).toBeLessThanOrEqual(3 * unsaved);
});

test('a route that is renamed on one machine first misses nothing under the two names', async () => {
  await cluster.add('a').start().says('consuming');
  await cluster.add('b').start().says('consuming');
  const load = cluster.publishing();
  const placeOf = async (route: string) =>
    Number((await cluster.rows(`SELECT max(cursor) AS place FROM progress WHERE route = '${route}'`))[0]?.place);
  await cluster.moreArrive(200);
  await rename('a');
  // The new one begins with what comes now, and the old one goes on at the other daemon.
  const begun = await placeOf('renamed');
  const isDoneUpTo = async (place: number) => {
    const waiting = await cluster.rows(`SELECT FROM deliveries WHERE route = 'hook' AND seq <= ${place}`);
    return (await placeOf('hook')) >= place && waiting.length === 0;
  };
  await until(() => isDoneUpTo(begun), { what: 'the old one to have delivered what is before the new one' });
  await rename('b');
  await cluster.moreArrive(200);
  await load.stop();
  await until(() => cluster.published.every((id) => cluster.receiver.messages.has(id)), { what: 'all' });
  const wanted = await cluster.rows(`SELECT name, route FROM registrations WHERE wanted ORDER BY name`);
  expect(wanted).toEqual(['a', 'b'].map((name) => ({ name, route: 'renamed' })));
});

async function rename(name: string): Promise<void> {
  expect(await cluster.daemon(name).daemon.end('SIGTERM')).toBe(0);
  cluster.rename(name, 'renamed');
  await cluster.daemon(name).start().says('consuming');
}
