import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

let relay: TestRelay | undefined;

afterEach(async () => {
  await relay?.close();
  relay = undefined;
});

describe("the daemon's log", () => {
  test('turns to debug at SIGUSR2, and back at the next one', async () => {
    const { daemon } = started();
    await daemon.says('broker not available');
    daemon.process.kill('SIGUSR2');
    await daemon.says('"from":"info","to":"debug","msg":"the level of this log was changed"');
    daemon.process.kill('SIGUSR2');
    await daemon.says('"from":"debug","to":"info"');
  });

  test('opens no debugger at SIGUSR1', async () => {
    const { daemon } = started();
    await daemon.says('broker not available');
    daemon.process.kill('SIGUSR2');
    await daemon.says('"to":"debug"');
    daemon.process.kill('SIGUSR1');
    await daemon.says('SIGUSR1 means nothing here');
    expect(daemon.stderr).not.toContain('Debugger listening');
    expect(await daemon.end('SIGTERM')).toBe(0);
  });

  test('has the level and the format of the command line, if it has any', async () => {
    const { daemon } = started('--log-level', 'error', '--log-format', 'pretty');
    await until(() => existsSync(join(relay?.journal ?? '', 'control.sock')), { what: 'the daemon to run' });
    daemon.process.kill('SIGUSR2');
    await daemon.says('the level of this log was changed');
    expect(daemon.stderr).not.toContain('starting');
    expect(daemon.stderr).not.toContain('"msg"');
  });
});

function started(...args: string[]): TestRelay {
  relay = testRelay('amqp://127.0.0.1:1', (path) => ({
    routes: { archive: { sink: { type: 'file', path: path('archive.ndjson') } } },
  }));
  relay.start(...args);
  return relay;
}
