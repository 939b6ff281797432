import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { messages } from '../../../src/common/messages.ts';
import { startPostgres, type TestPostgres } from '../../support/postgresql.ts';
import { type RelayCluster, startCluster, unsaved } from '../../support/relay-cluster.ts';

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

describe('the daemon that has a route', () => {
  test('is killed, and its disk lost, again and again: another one goes on, and repeats only what was not saved', async () => {
    await startAll('a', 'b', 'c');
    const load = cluster.publishing();
    const kills = 3;
    for (let kill = 0; kill < kills; kill += 1) {
      const holder = await cluster.takenOver(null);
      await cluster.moreArrive(200);
      await cluster.daemon(holder).daemon.end('SIGKILL');
      rmSync(cluster.daemon(holder).path('spool'), { recursive: true });
      await cluster.mark();
      await cluster.takenOver(holder);
      cluster.daemon(holder).start();
    }
    await load.stop();
    await cluster.allDone();
    expect(await cluster.verify()).toBeLessThanOrEqual(kills * unsaved);
  });

  test('is stopped for longer than its lease, and goes on: it delivers nothing more, and changes nothing', async () => {
    await startAll('a', 'b');
    const load = cluster.publishing();
    const holder = await cluster.takenOver(null);
    await cluster.moreArrive(200);
    cluster.daemon(holder).daemon.process.kill('SIGSTOP');
    await cluster.mark();
    const inFlight = cluster.receiver.inFlight.length;
    const other = await cluster.takenOver(holder);
    await cluster.moreArrive(200);
    const [before] = await cluster.rows('SELECT epoch FROM routes');
    cluster.daemon(holder).daemon.process.kill('SIGCONT');
    await cluster.daemon(holder).daemon.says(messages.leaseOver);
    await cluster.moreArrive(200);
    expect(await cluster.holder()).toBe(other);
    expect(await cluster.rows('SELECT epoch FROM routes')).toEqual([before]);
    await load.stop();
    await cluster.allDone();
    expect(await cluster.verify()).toBeLessThanOrEqual(inFlight + unsaved);
  });

  test('is stopped as an operator does: another one goes on at once, and nothing comes twice', async () => {
    await startAll('a', 'b');
    const load = cluster.publishing();
    for (let stop = 0; stop < 3; stop += 1) {
      const holder = await cluster.takenOver(null);
      await cluster.moreArrive(100);
      expect(await cluster.daemon(holder).daemon.end('SIGTERM')).toBe(0);
      await cluster.mark();
      await cluster.takenOver(holder);
      cluster.daemon(holder).start();
      await cluster.daemon(holder).daemon.says('consuming');
    }
    await load.stop();
    await cluster.allDone();
    expect(await cluster.verify()).toBe(0);
  });
});

/** Starts them one after the other, so that the first one has the route. */
async function startAll(...names: string[]): Promise<void> {
  for (const name of names) await cluster.add(name).start().says('consuming');
}
