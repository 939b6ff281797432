import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { afterEach, describe, expect, test } from '@jest/globals';
import { messages } from '../../../src/common/messages.ts';
import type { Daemon } from '../../support/daemon.ts';
import { type TestRelay, testRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';

let relay: TestRelay | undefined;

afterEach(async () => {
  await relay?.close();
  relay = undefined;
});

describe('a signal that comes while the daemon has only begun to start', () => {
  test('to reload, is heeded once it runs', async () => {
    const daemon = await begin();
    daemon.process.kill('SIGHUP');
    await daemon.says('"reloaded"');
    expect(await daemon.end('SIGTERM')).toBe(0);
  });

  test('to turn its log to debug, is heeded once it has one', async () => {
    const daemon = await begin();
    daemon.process.kill('SIGUSR2');
    await daemon.says(messages.levelChanged);
    expect(await daemon.end('SIGTERM')).toBe(0);
  });

  test('opens no debugger', async () => {
    const daemon = await begin();
    daemon.process.kill('SIGUSR1');
    await daemon.says('"starting"');
    expect(daemon.stderr).not.toContain('Debugger listening');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('ends it as at any time, with %s', async (signal) => {
    const daemon = await begin();
    expect([await daemon.end(signal), daemon.process.signalCode]).toEqual([0, null]);
  });
});

/** A daemon that has just begun to listen to signals, and has done nothing else yet. */
async function begin(): Promise<Daemon> {
  relay = testRelay('amqp://127.0.0.1:1', (path) => ({
    routes: { archive: { sink: { type: 'file', path: path('archive.ndjson') } } },
  }));
  const daemon = relay.start();
  // Node itself has a handler for those to stop, and SIGUSR2 is the last that the daemon adds.
  await until(() => isCaught('SIGUSR2', daemon), { what: 'the daemon to listen to signals', interval: 1 });
  expect(daemon.stderr).toBe('');
  return daemon;
}

/** By the mask that Linux shows of the signals that a process has a handler for. */
function isCaught(signal: NodeJS.Signals, { process: { pid } }: Daemon): boolean {
  const [, mask = '0'] = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
