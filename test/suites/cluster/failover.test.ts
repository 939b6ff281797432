import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { messages } from '../../../src/common/messages.ts';
import { type PostgresPair, startPostgresPair } from '../../support/postgres-pair.ts';
import type { TestPostgres } from '../../support/postgresql.ts';
import { type RelayCluster, startCluster, unsaved } from '../../support/relay-cluster.ts';

let pair: PostgresPair;
let cluster: RelayCluster;
/** The one that may be asked. */
let current: TestPostgres;

beforeEach(async () => {
  pair = await startPostgresPair();
  current = pair.primary;
  cluster = await startCluster({ database: () => current });
});

afterEach(async () => {
  await cluster.close();
  await pair.close();
});

test('a standby that was waited for takes over: nothing is missing, and nothing that was saved comes again', async () => {
  await pair.waitForStandby();
  await startBoth();
  const load = cluster.publishing();
  await cluster.moreArrive(300);
  await failOver();
  await cluster.mark();
  await cluster.moreArrive(300);
  await load.stop();
  await cluster.allDone();
  expect(await cluster.verify()).toBeLessThanOrEqual(unsaved);
  for (const name of ['a', 'b']) expect(cluster.daemon(name).daemon.stderr).not.toContain(messages.databaseWentBack);
});

test('a standby that was left behind takes over: it is told, and what daemons still have is appended again', async () => {
  await startBoth();
  const load = cluster.publishing();
  await cluster.moreArrive(300);
  pair.leaveBehind();
  await cluster.moreArrive(300);
  await failOver();
  for (const name of ['a', 'b']) await cluster.daemon(name).daemon.says(messages.appendedAgain);
  await cluster.moreArrive(300);
  await load.stop();
  await cluster.allDone();
  expect(cluster.published.filter((id) => !cluster.receiver.messages.has(id))).toEqual([]);
  expect(await cluster.rows('SELECT generation FROM generations ORDER BY generation')).toMatchObject([{}, {}]);
});

test('a standby that is waited for and gone: intake goes on into the spool, until nobody waits for it', async () => {
  await pair.waitForStandby();
  await startBoth();
  const load = cluster.publishing();
  await cluster.moreArrive(300);
  await pair.standby.kill();
  await cluster.publish(200);
  for (const name of ['a', 'b']) await cluster.daemon(name).daemon.says(messages.databaseAway);
  await pair.waitForNobody();
  await cluster.moreArrive(300);
  await load.stop();
  await cluster.allDone();
  expect(await cluster.verify()).toBeLessThanOrEqual(unsaved);
});

async function startBoth(): Promise<void> {
  for (const name of ['a', 'b']) await cluster.add(name, { url: pair.url }).start().says('consuming');
}

async function failOver(): Promise<void> {
  await pair.primary.kill();
  await pair.promote();
  current = pair.standby;
}
