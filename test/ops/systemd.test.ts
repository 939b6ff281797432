import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { messages } from '../../src/common/messages.ts';
import { type NotifySocket, openNotifySocket } from '../support/notify-socket.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

let folder: string;
let socket: NotifySocket;
let relay: TestRelay | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-notify-'));
  socket = await openNotifySocket(folder);
});

afterEach(async () => {
  await relay?.close();
  relay = undefined;
  await socket.close();
  rmSync(folder, { recursive: true });
});

describe('systemd', () => {
  test('hears that the daemon is ready though its broker is away, what goes on, and that it stops', async () => {
    relay = testRelay('amqp://127.0.0.1:1', (path) => ({
      routes: { broken: { start: 'earliest', sink: { type: 'file', path: path('.') } } },
    }));
    relay.startWith({ NOTIFY_SOCKET: socket.path });
    await socket.hears('READY=1');
    expect(socket.said[0]).toBe('READY=1|STATUS=consuming from 0 of 1 broker; 1 of 1 route delivering');
    expect(await relay.daemon.end('SIGTERM')).toBe(0);
    expect(socket.said.at(-1)).toBe('STOPPING=1|STATUS=delivering what is in flight');
    expect(socket.said.join()).not.toContain('WATCHDOG');
  });

  test("hears from a daemon's watchdog at twice the pace that it asks for", async () => {
    relay = testRelay('amqp://127.0.0.1:1', (path) => ({
      routes: { archive: { sink: { type: 'file', path: path('archive.ndjson') } } },
    }));
    relay.startWith({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '400000' });
    await until(() => socket.said.filter((said) => said === 'WATCHDOG=1').length >= 5, { what: 'five pings' });
  });

  test('hears no more from the watchdog once something is stuck, and again when it moves', async () => {
    const daemon = startNotifier({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '100000' });
    await socket.hears('WATCHDOG=1');
    daemon.say('the route crm');
    const logged = text(daemon.process.stdout);
    // What comes after some looks isn't what was on its way.
    await daemon.looks(5);
    const before = socket.said.length;
    await daemon.looks(20);
    expect(socket.said).toHaveLength(before);
    daemon.say('');
    await until(() => socket.said.length > before, { what: 'another ping' });
    daemon.process.stdin.end();
    expect(await logged).toContain(`"stuck":["the route crm"],"msg":"${messages.watchdogStopped}`);
  });

  test('hears when a reload begins, by its own clock, and when it is done', async () => {
    const daemon = startNotifier({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' });
    await socket.hears('READY=1');
    daemon.say('reload');
    await socket.hears(/^RELOADING=1\|MONOTONIC_USEC=\d+\|STATUS=reloading the configuration$/);
    const [, microseconds = 0] = /MONOTONIC_USEC=(\d+)/.exec(socket.said.at(-1) ?? '') ?? [];
    // Node's hrtime is CLOCK_MONOTONIC, which is one for all processes.
    expect(Math.abs(Number(microseconds) - Number(process.hrtime.bigint() / 1_000n))).toBeLessThan(60e6);
    daemon.say('ready');
    await until(() => socket.said.at(-1) === 'READY=1|STATUS=all is well', { what: 'the end of the reload' });
    daemon.process.stdin.end();
    await socket.hears('STOPPING=1');
    // The watchdog was meant for another process.
    expect(socket.said.join()).not.toContain('WATCHDOG');
  });

  test('that has gone away is told nothing, and the daemon runs on', async () => {
    await socket.close();
    const daemon = startNotifier({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '100000' });
    const logged = text(daemon.process.stdout);
    await daemon.looks(10);
    daemon.process.stdin.end();
    expect((await logged).split(messages.systemdFailed)).toHaveLength(2);
  });
});

function startNotifier(variables: Record<string, string>) {
  const child = spawn(process.execPath, ['test/support/notifier.ts'], {
    env: { ...process.env, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let looked = 0;
  child.stderr.on('data', (chunk) => {
    looked += String(chunk).split('looked').length - 1;
  });
  return {
    process: child,
    say: (line: string) => void child.stdin.write(`${line}\n`),
    /** Resolves when its watchdog has looked so often again. */
    async looks(count: number) {
      const before = looked;
      await until(() => looked >= before + count, { what: `${count} looks` });
    },
  };
}
