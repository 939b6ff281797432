import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { messages } from '../../src/common/messages.ts';
import { createLog, type Log } from '../../src/ops/log.ts';
import { program } from '../support/daemon.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { type StalledPipe, stalledPipe } from '../support/stalled-pipe.ts';
import { until } from '../support/until.ts';

let relay: TestRelay | undefined;

afterEach(async () => {
  await relay?.close();
  relay = undefined;
});

describe("the daemon's log", () => {
  test('begins with what runs: version, Node, configuration and routes', async () => {
    const { daemon } = started();
    await daemon.says('broker not available');
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const [first = ''] = daemon.stderr.split('\n');
    expect(JSON.parse(first)).toMatchObject({
      msg: 'starting',
      version,
      node: process.versions.node,
      config: relay?.config,
      routes: expect.arrayContaining([expect.any(String)]),
    });
  });

  test('turns to debug at SIGUSR2, and back at the next one', async () => {
    const { daemon } = started();
    await daemon.says('broker not available');
    daemon.process.kill('SIGUSR2');
    await daemon.says(`"from":"info","to":"debug","msg":"${messages.levelChanged}"`);
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
    await daemon.says(messages.levelChanged);
    expect(daemon.stderr).not.toContain('starting');
    expect(daemon.stderr).not.toContain('"msg"');
  });

  test('has the last lines also of a process that ends at once', () => {
    const script = `
      import { createLog } from './src/ops/log.ts';
      const { logger } = await createLog({ level: 'info', format: 'json' });
      for (const number of [1, 2, 3]) logger.info({ number }, 'a line');
      process.exit(3);`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    expect(stderr.match(/"a line"/g)).toHaveLength(3);
  });
});

describe('a stderr that nobody reads', () => {
  let pipe: StalledPipe;
  let log: Log;
  let output = '';
  const told = () => {
    output += pipe.read();
    return output;
  };

  beforeEach(() => {
    pipe = stalledPipe();
    output = '';
  });

  afterEach(async () => {
    await log.close();
    pipe.closeReader();
    closeSync(pipe.descriptor);
  });

  test.each(['json', 'pretty'] as const)('stops nothing, and gets what fits into 1 MiB later (%s)', async (format) => {
    log = await createLog({ level: 'info', format }, pipe.descriptor);
    const long = 'x'.repeat(1_000);
    const written = 3_000;
    for (let number = 0; number < written; number += 1) log.logger.info({ number, long }, 'a line');
    await until(() => told().includes(messages.linesDropped), { what: 'the word about dropped lines' });
    const arrived = told().match(/a line/g)?.length ?? 0;
    expect(arrived * 1_000).toBeGreaterThan(900_000);
    expect(arrived * 1_000).toBeLessThan(1_200_000);
    expect(Number(/"?dropped"?: ?(\d+)/.exec(output)?.[1])).toBe(written - arrived);
    expect(output.split(messages.linesDropped)).toHaveLength(2);
    log.logger.info('it flows again');
    await until(() => told().includes('it flows again'), { what: 'the line after it' });
  });

  test('holds up the end for no longer than a bound, and loses no line while it is read', async () => {
    log = await createLog({ level: 'info', format: 'json' }, pipe.descriptor);
    for (let number = 0; number < 500; number += 1) log.logger.info({ number, long: 'x'.repeat(1_000) }, 'a line');
    const reading = setInterval(told, 5);
    await log.close();
    clearInterval(reading);
    expect(told().match(/"msg":"a line"/g)).toHaveLength(500);
    for (let number = 0; number < 500; number += 1) log.logger.info({ number, long: 'x'.repeat(1_000) }, 'a line');
    await log.close();
  });
});

describe('what somebody has answered', () => {
  test.each(['json', 'pretty'] as const)('steers no terminal that shows the log (%s)', async (format) => {
    const pipe = stalledPipe();
    const log = await createLog({ level: 'info', format }, pipe.descriptor);
    const steering = 'a\u001b]0;x\u0007\u009b31m\u202e\u2066\u2028b';
    log.logger.warn({ reason: steering, err: new Error(steering) }, steering);
    await log.close();
    const output = pipe.read();
    pipe.closeReader();
    closeSync(pipe.descriptor);
    expect(output).toContain('\\u202e');
    expect(output).not.toMatch(/[^\n\x20-\x7e]/);
    if (format === 'json') expect(JSON.parse(output)).toMatchObject({ reason: steering, msg: steering });
  });
});

describe('a stderr that can’t be written', () => {
  test('ends nothing: a full disk', async () => {
    const full = openSync('/dev/full', 'w');
    const log = await createLog({ level: 'info', format: 'json' }, full);
    for (let number = 0; number < 5; number += 1) log.logger.error('a line');
    await log.close();
    expect(log.lines.get('error')).toBe(4);
    closeSync(full);
  });

  test('ends no daemon: it starts, and stops when it is told to', async () => {
    relay = testRelay('amqp://127.0.0.1:1', () => ({ routes: { all: { sink: { type: 'log' } } } }));
    const full = openSync('/dev/full', 'w');
    const args = [program, 'run', '--config', relay.config];
    const daemon = spawn(process.execPath, args, { stdio: ['ignore', full, full] });
    const ended = once(daemon, 'exit');
    closeSync(full);
    const { journal } = relay;
    const isUp = () => daemon.exitCode !== null || existsSync(join(journal, 'control.sock'));
    await until(isUp, { what: 'the daemon to run' });
    daemon.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

function started(...args: string[]): TestRelay {
  relay = testRelay('amqp://127.0.0.1:1', (path) => ({
    routes: { archive: { sink: { type: 'file', path: path('archive.ndjson') } } },
  }));
  relay.start(...args);
  return relay;
}
