// needs: rabbitmq
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { events } from '../../src/kazoo/catalogue.ts';
import { cli } from '../support/cli.ts';
import { ask } from '../support/http.ts';
import { until } from '../support/until.ts';

/** What the quickstart takes for the system's temporary folder. */
let temp: string;
let child: ChildProcess | undefined;
let output: string;

beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), 'kazoo-relay-test-'));
  output = '';
});

afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(temp, { recursive: true });
});

function start(...args: string[]): ChildProcess {
  child = spawn(process.execPath, ['scripts/quickstart/quickstart.ts', ...args], {
    env: { ...process.env, TMPDIR: temp },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  return child;
}

/** Sends a signal and waits for the end. */
async function end(quickstart: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const closed = once(quickstart, 'close');
  quickstart.kill(signal);
  await closed;
}

/**
 * Processes of the quickstart's broker and daemon: all of them have its temporary folder in their command or
 * environment.
 */
function processesOf(folder: string): string[] {
  return globSync('/proc/[0-9]*/{cmdline,environ}').filter((file) => {
    try {
      return !file.startsWith(`/proc/${process.pid}/`) && readFileSync(file, 'utf8').includes(folder);
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

/** Erlang's helpers end when they notice that RabbitMQ has: a moment later. */
async function allEnded(): Promise<void> {
  await until(() => processesOf(temp).length === 0, { what: 'the broker and the daemon to end' });
}

describe('quickstart', () => {
  test('shows with --once what became of every event, and leaves nothing behind', async () => {
    const closed = once(start('--once'), 'close');
    await closed;
    for (const { name } of events) expect(output).toMatch(new RegExp(`^${name} +valid +delivered +delivered`, 'm'));
    expect(output).toMatch(/^voicemail_new, no account +invalid +- +- +\/account_id /m);
    expect(output).toMatch(/^voicemail_new, published again +resend +- +- /m);
    expect(output).toMatch(/^voicemail_new, in gzip +valid +delivered +delivered$/m);
    expect(output.split('\n').every((line) => line.length <= 100)).toBe(true);
    expect(child?.exitCode).toBe(0);
    expect(globSync(`${temp}/*`)).toEqual([]);
    await allEnded();
  });

  test('stays until Ctrl-C, then ends what it has started and keeps what it has written', async () => {
    const quickstart = start();
    await until(() => output.includes('Ctrl-C stops'), { what: 'the quickstart to be ready', timeout: 50_000 });
    const [config = ''] = globSync(`${temp}/kazoo-relay-quickstart-*/config.yaml`);
    const published = await cli(['publish', 'missed_call', '--config', config]);
    expect(published).toMatchObject({ code: 0, stderr: '' });
    const shows = async () => (await cli(['tail', '--config', config, '--limit', '1'])).stdout.includes('missed_call');
    await until(shows, { what: 'tail to show it' });
    const [, at = '', path = ''] = /http:\/\/(127\.0\.0\.1:\d+)(\/login\?link=[\w-]{43})/.exec(output) ?? [];
    expect((await ask(at, path)).body).toContain('Log in by this link');

    await end(quickstart, 'SIGINT');
    expect(quickstart.exitCode).toBe(0);
    await allEnded();
    expect(globSync(`${temp}/*`)).toEqual([join(config, '..')]);
    const { code } = await cli(['validate', join(config, '..', 'notifications.ndjson')]);
    expect(code).toBe(0);
  });

  test('leaves nothing behind when it is interrupted while it starts, or killed', async () => {
    const interrupted = start();
    await until(() => processesOf(temp).length > 2, { what: 'RabbitMQ to start' });
    await end(interrupted, 'SIGINT');
    expect(interrupted.exitCode).toBe(130);
    expect(globSync(`${temp}/*`)).toEqual([]);
    await allEnded();

    const killed = start('--once');
    await until(() => globSync(`${temp}/*/daemon.log`).length > 0, { what: 'the daemon to start', timeout: 50_000 });
    await end(killed, 'SIGKILL');
    await allEnded();
  });
});
