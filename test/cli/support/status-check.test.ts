import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { cli, type Result } from '../../support/cli.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { type BreakableBroker, shareBreakableBroker } from '../../support/rabbitmq.ts';
import { until } from '../../support/until.ts';

let broker: BreakableBroker;
let folder: string;
let config: string;
let daemon: Daemon;

const well: Result = { stdout: '', stderr: '', code: 0 };

beforeAll(async () => {
  broker = await shareBreakableBroker();
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-check-'));
  config = join(folder, 'config.yaml');
  const routes = { log: { sink: { type: 'log' } } };
  const brokers = [{ zone: 'west', url: broker.url }];
  writeFileSync(
    config,
    stringify({ brokers, journal: { path: join(folder, 'journal') }, http: { listen: 'off' }, routes }),
  );
  daemon = startDaemon(config);
  await daemon.says('consuming');
});

afterAll(async () => {
  await daemon.end('SIGKILL');
  await broker.close();
  rmSync(folder, { recursive: true });
});

describe('status --check', () => {
  test('is content with a daemon that consumes', async () => {
    expect(await check('live')).toEqual(well);
    expect(await check('ready')).toEqual(well);
  });

  test('tells a daemon that lives from one that is ready', async () => {
    await broker.stop();
    await until(async () => (await check('ready')).code === 1, { what: 'the daemon to miss its broker' });
    const { stdout, stderr, code } = await check('ready');
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(/^kazoo-relay: 127\.0\.0\.1:\d+ \(zone west\): away: .*\n$/);
    expect(await check('live')).toEqual(well);
  });

  test('says that none runs, also where one was killed', async () => {
    await daemon.end('SIGKILL');
    expect(await check('live')).toEqual({
      stdout: '',
      stderr: `kazoo-relay: no daemon answers in ${join(folder, 'journal')}\n`,
      code: 1,
    });
  });
});

function check(what: string): Promise<Result> {
  return cli(['status', '--check', what, '--config', config]);
}
