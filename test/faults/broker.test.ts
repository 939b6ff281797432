import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { publishAsKazoo } from '../support/kazoo.ts';
import { blocksPublishers, setMemoryLimit, startBroker, type TestBroker } from '../support/rabbitmq.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

let broker: TestBroker;
let relay: TestRelay | undefined;

beforeAll(async () => {
  broker = await startBroker();
});

afterEach(async () => {
  await relay?.close();
  relay = undefined;
});

afterAll(() => broker.close());

describe('routes deliver what the journal has', () => {
  test('while the broker is killed, away, and wiped; and what comes after that', async () => {
    const { behind, ids } = await routeBehind();
    await broker.kill();
    broker.wipe();
    await behind.daemon.says('broker not available');
    mend(behind);
    await until(() => delivered(behind).length === ids.length, { what: 'all that the journal has' });
    expect(delivered(behind).toSorted()).toEqual(ids.toSorted());
    await broker.start();
    await until(() => sessions(behind) === 2, { what: 'the second session' });
    const more = await publishAsKazoo(broker.url, 200);
    await until(() => delivered(behind).length === ids.length + more.length, { what: 'what came after' });
    expect(delivered(behind).toSorted()).toEqual([...ids, ...more].toSorted());
  });

  test('while the broker is out of memory and blocks whoever publishes', async () => {
    const { behind, ids } = await routeBehind();
    await setMemoryLimit(broker, '{absolute, 1000}');
    const publishing = publishAsKazoo(broker.url, 50);
    await until(() => blocksPublishers(broker), { what: 'the block' });
    mend(behind);
    await until(() => delivered(behind).length === ids.length, { what: 'all that the journal has' });
    await setMemoryLimit(broker, '0.4');
    const more = await publishing;
    await until(() => delivered(behind).length === ids.length + more.length, { what: 'what was held back' });
    expect(delivered(behind).toSorted()).toEqual([...ids, ...more].toSorted());
    expect(sessions(behind)).toBe(1);
  });
});

/** A daemon whose journal has what its sink can't take yet: a folder has the file's name. */
async function routeBehind(): Promise<{ behind: TestRelay; ids: string[] }> {
  const behind = testRelay(broker.url, (path) => ({
    routes: { file: { circuit: { maxPause: '100ms' }, sink: { type: 'file', path: path('file.ndjson') } } },
  }));
  relay = behind;
  mkdirSync(behind.path('file.ndjson'));
  await behind.start().says('consuming');
  const ids = await publishAsKazoo(broker.url, 500);
  await until(() => behind.journalled() === ids.length, { what: 'all in the journal' });
  await behind.daemon.says('sink unavailable');
  return { behind, ids };
}

function mend(behind: TestRelay): void {
  rmSync(behind.path('file.ndjson'), { recursive: true });
}

function delivered(behind: TestRelay): string[] {
  return behind.lines('file.ndjson');
}

function sessions({ daemon }: TestRelay): number {
  return daemon.stderr.split('"consuming"').length - 1;
}
