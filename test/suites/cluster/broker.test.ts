import { afterEach, expect, test } from '@jest/globals';
import { publishAsKazoo } from '../../support/kazoo.ts';
import { startPostgres, type TestPostgres } from '../../support/postgresql.ts';
import { queuesOn, startBroker } from '../../support/rabbitmq.ts';
import { type RelayCluster, startCluster } from '../../support/relay-cluster.ts';
import { until } from '../../support/until.ts';

let server: TestPostgres | undefined;
let cluster: RelayCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  await server?.close();
});

test('a broker that is killed during traffic, again and again: nothing that it had confirmed is missing', async () => {
  const [database, broker] = [await startPostgres(), await startBroker()];
  server = database;
  const tested = await startCluster({ database: () => database, first: broker });
  cluster = tested;
  const other = tested.brokers[1];
  for (const name of ['a', 'b']) await tested.add(name).start().says('consuming');
  const bothConsume = async () => (await queuesOn(broker).catch(() => [])).some(({ consumers }) => consumers === 2);
  let lost = 0;
  for (let kill = 0; kill < 3; kill += 1) {
    // Until then nobody has the broker route anything into the queue.
    await until(bothConsume, { what: 'both daemons to consume from it', interval: 50 });
    const load = publishUntilLost(broker.url, (ids) => tested.sent(ids));
    await tested.moreArrive(200);
    await broker.kill();
    await load;
    lost += 1;
    tested.sent(await publishAsKazoo(other.url, 200));
    await tested.moreArrive(100);
    await broker.start();
  }
  await until(bothConsume, { what: 'both daemons to consume from it', interval: 50 });
  tested.sent(await publishAsKazoo(broker.url, 200));
  await tested.allDone();
  expect(lost).toBe(3);
  // The broker gives again what was not acknowledged, under the same ids: the journal has it once.
  expect(await tested.verify()).toBe(0);
  const origins = await tested.rows('SELECT DISTINCT origin FROM log');
  expect(origins).toHaveLength(2);
});

/** Persistent, unlike KAZOO's own: what the broker itself loses would not be ours to count. */
async function publishUntilLost(url: string, sent: (ids: readonly string[]) => void): Promise<void> {
  try {
    for (;;) sent(await publishAsKazoo(url, 25, {}, { deliveryMode: 2 }));
  } catch {
    // What it had not confirmed, whoever publishes publishes again.
  }
}
