import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pino from 'pino';
import { shape } from '../../../src/routes/shape.ts';
import { outcomeOf } from '../../../src/sinks/exec/answer.ts';
import type { ExecSinkOptions } from '../../../src/sinks/exec/options.ts';
import { execSink } from '../../../src/sinks/exec/sink.ts';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { delivery, entry } from '../../support/notification.ts';
import { runs } from '../../support/runs.ts';
import { sinkOptions } from '../../support/sink-options.ts';
import { until } from '../../support/until.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { exec, execPlace } from '../contract/exec.ts';

const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-exec-'));
const { signal } = new AbortController();
const logged: { msg: string; lines: number; last: string; reason: string }[] = [];
const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
let sink: Sink | undefined;

afterEach(async () => {
  await sink?.close();
  logged.length = 0;
});
afterAll(() => rmSync(folder, { recursive: true }));

keepsTheContract(exec, execPlace);

describe('the exec sink', () => {
  test.each([
    ['Python', ['/usr/bin/python3', resolve('examples/exec/notify.py')]],
    ['shell', ['/bin/sh', resolve('examples/exec/notify.sh')]],
  ])('gives a program in %s a line for each, and reads its answers', async (language, command) => {
    const file = join(folder, language);
    sink = await open({ command: [...command, file] });
    expect(await sink.deliver([delivery('1'), delivery('2')], signal)).toEqual([ok, ok]);
    expect(await sink.deliver([delivery('3')], signal)).toEqual([ok]);
    expect(readFileSync(file, 'utf8').match(/\b[123]\b(?= |",)/g)).toEqual(['1', '2', '3']);
  });

  test('takes each answer as it is meant', async () => {
    sink = await running(`answer(['ok', 'retry busy', 'retry 30s', 'dead no such box'][nth])`);
    const before = Date.now();
    const outcomes = await sink.deliver(
      ['1', '2', '3', '4'].map((id) => delivery(id)),
      signal,
    );
    expect(outcomes).toEqual([
      ok,
      { status: 'retry', reason: 'busy' },
      { status: 'retry', reason: 'the program has given no reason', notBefore: expect.any(Number) },
      { status: 'dead', reason: 'no such box' },
    ]);
    const [, , third] = outcomes;
    expect(third?.status === 'retry' && third.notBefore).toBeGreaterThanOrEqual(before + 30_000);
  });

  test('tries what one has ended the program with again by itself, and goes on with those behind it', async () => {
    sink = await running(`id === '2' ? (console.error('no 2'), process.exit(3)) : answer('ok')`);
    expect(
      await sink.deliver(
        ['1', '2', '3', '4'].map((id) => delivery(id)),
        signal,
      ),
    ).toEqual([ok, { status: 'retry', reason: 'it has ended with status 3: no 2', code: 3, away: false }, ok, ok]);
    await until(() => logged.length > 0, { what: 'the line of its standard error' });
    expect(logged[0]).toMatchObject({ last: 'no 2' });
  });

  test('keeps the answers that it has where its program can’t be started again', async () => {
    const program = join(folder, 'once');
    writeFileSync(program, '#!/bin/sh\nread line; echo ok; read line; rm "$0"; exit 3\n', { mode: 0o755 });
    sink = await open({ command: [program] });
    const outcomes = await sink.deliver([delivery('1'), delivery('2'), delivery('3')], signal);
    const gone = expect.stringContaining("can't be started");
    expect(outcomes).toMatchObject([ok, { status: 'retry', code: 3 }, { status: 'retry', reason: gone, away: true }]);
  });

  test.each([
    ['ends at once', 'process.exit(1)', /ended with status 1/],
    ['is killed', 'process.kill(process.pid, "SIGTERM")', /ended by SIGTERM/],
    ['says something else', 'answer("done")', /has written "done", which is no answer/],
    [
      'writes a line without end',
      'process.stdout.write("x".repeat(200_000))',
      /a line without end, which is no answer/,
    ],
    ['writes bytes that are no text', 'process.stdout.write(Buffer.from([0xff, 0xfe, 10]))', /which is no answer/],
  ])('is unavailable while its program %s', async (_, code, reason) => {
    sink = await running(code);
    const failure: unknown = await sink.deliver([delivery('1')], signal).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SinkUnavailable);
    expect(String(failure)).toMatch(reason);
  });

  test('starts its program again where it has ended, or said too much, between two batches', async () => {
    sink = await running(`answer(id === '1' ? 'ok\\nok' : 'ok')`);
    expect(await sink.deliver([delivery('1')], signal)).toEqual([ok]);
    await until(async () => (await sink?.deliver([delivery('2')], signal)) && logged[0], { what: 'the line too many' });
    expect(logged).toMatchObject([{ reason: 'it has answered "ok" without being asked' }]);
    expect(await sink.deliver([delivery('3')], signal)).toEqual([ok]);
  });

  test.each([
    [
      'is not there',
      { command: ['/nowhere/notify'] },
      "/nowhere/notify can't be started: it or the option directory is not there",
    ],
    ['may not be run', { command: [resolve('package.json')] }, 'permission denied'],
    ['is said to be below a file', { command: ['/etc/passwd/notify'] }, 'a part of its path is a file'],
    ['has no working directory', { command: ['/bin/cat'], directory: '/nowhere' }, 'the option directory is not there'],
  ])('is unavailable, and says so in its connection test, where its program %s', async (_, options, reason) => {
    sink = await open(options);
    await expect(sink.deliver([delivery('1')], signal)).rejects.toThrow(reason);
    await expect(sink.deliver([delivery('1')], signal)).rejects.toThrow(SinkUnavailable);
    await expect(execSink.connectionTest(all(options), context)).rejects.toThrow(/can't be (run|entered) by this user/);
  });

  test('kills a program that doesn’t answer in time, with all that it has started', async () => {
    sink = await open({ command: ['/bin/sh', '-c', 'sleep 1000 & echo $! >&2; wait'] });
    const late = new AbortController();
    const delivering = sink.deliver([delivery('1')], late.signal);
    const { last = '' } = (await until(() => logged[0], { what: 'the number of what it has started' })) ?? {};
    late.abort(new Error('late'));
    await expect(delivering).rejects.toThrow('late');
    await until(() => !isAlive(Number(last)), { what: 'its end' });
  });

  test('lets a program finish that reads its input to the end, and kills one that doesn’t end', async () => {
    sink = await running(`answer('ok'); process.stdin.on('end', () => console.error('bye'))`);
    await sink.deliver([delivery('1')], signal);
    await sink.close();
    expect(logged.at(-1)).toMatchObject({ last: 'bye' });
    sink = await running(`answer('ok'); setInterval(() => {}, 1_000)`, { stopTimeout: 1 });
    await sink.deliver([delivery('1')], signal);
    await sink.close();
  });

  test('doesn’t wait for what its program has started in a group of its own', async () => {
    const program = 'setsid sleep 30 & echo $! >&2; read -r line; echo ok; exit 0';
    sink = await open({ command: ['/bin/bash', '-c', program], stopTimeout: 1 });
    expect(await sink.deliver([delivery('1')], signal)).toEqual([ok]);
    await sink.close();
    const { last = '' } = (await until(() => logged[0], { what: 'the number of what it has started' })) ?? {};
    process.kill(Number(last), 'SIGKILL');
  });

  test('gives its program none of the daemon’s environment', async () => {
    process.env.RELAY_TEST_SECRET = 'hush';
    sink = await running(`answer('dead ' + JSON.stringify(process.env))`, { environment: { TOKEN: 't' } });
    const [outcome] = await sink.deliver([delivery('1')], signal);
    const reason = outcome?.status === 'dead' ? JSON.parse(outcome.reason) : {};
    expect(reason).toMatchObject({ TOKEN: 't', KAZOO_RELAY_ROUTE: 'r', PATH: process.env.PATH });
    expect(reason).not.toHaveProperty('RELAY_TEST_SECRET');
  });

  test('shows nobody what its environment says, or what the route reveals', async () => {
    const environment = { TOKEN: 'hush-hush' };
    const say = (text: string) => `console.error(${text}); answer('dead ' + ${text})`;
    sink = await running(say('process.env.TOKEN'), { environment });
    const outcomes = await sink.deliver([delivery('1')], signal);
    expect(outcomes).toEqual([{ status: 'dead', reason: '***' }]);
    await until(() => logged.length > 0, { what: 'the line of its standard error' });
    await sink.close();
    const secret = { path: ['password'], value: 'geheim' };
    const revealed = shape(entry({ id: '1', data: { password: '***' }, secrets: [secret] }), ['password']);
    // As it is, in pieces, and as what is no answer.
    sink = await running(`console.error(line); console.error(line.split('').join(' ')); answer(line)`);
    const failure: unknown = await sink.deliver([revealed], signal).catch((error: unknown) => error);
    await sink.deliver([delivery('2')], signal).catch(() => undefined);
    await sink.close();
    expect(String(failure)).toContain('withheld, because the route reveals secrets');
    expect(JSON.stringify([...logged, String(failure)])).not.toMatch(/hush-hush|geheim|g e h e i m/);
  });

  test('is unavailable where its program closes its output and stays', async () => {
    sink = await running(`require('node:fs').closeSync(1); setInterval(() => {}, 1_000)`, { stopTimeout: 1 });
    await expect(sink.deliver([delivery('1')], signal)).rejects.toThrow('it was ended by SIGKILL');
  });

  test('says once that a line of its standard error has no end, also where that comes', async () => {
    sink = await running(`process.stderr.write('x'.repeat(200_000) + '\\nlast\\n', () => answer('ok'))`);
    await sink.deliver([delivery('1')], signal);
    await sink.close();
    expect(logged).toMatchObject([
      { lines: 1, last: 'a line without end' },
      { lines: 1, last: 'last' },
    ]);
  });

  test('gives its program one notification at a time by itself: the time limit is that of all it has been given', () => {
    expect(execSink.limits(sinkOptions(execSink, { command: ['/bin/cat'] })).batch.max).toBe(1);
  });

  test('takes any line for an answer or for none, and never fails at it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        const status = outcomeOf(line, 0)?.status;
        expect([undefined, 'delivered', 'retry', 'dead']).toContain(status);
        if (status !== undefined) expect(line).toMatch(/^\s*(ok|retry|dead)/);
      }),
      runs(500),
    );
  });
});

const ok = { status: 'delivered' };
const context = { route: 'r', log };

function all(options: Partial<ExecSinkOptions>): ExecSinkOptions {
  return {
    command: [],
    directory: '/',
    environment: {},
    batch: { max: 10, linger: 0 },
    stopTimeout: 5_000,
    ...options,
  };
}

function open(options: Partial<ExecSinkOptions>): Promise<Sink> {
  return execSink.open(all(options), context);
}

/** A program that runs this for each line; it knows `nth`, from 0 on, `id` and `answer`. */
function running(code: string, options: Partial<ExecSinkOptions> = {}): Promise<Sink> {
  const program = `let nth = 0; const answer = (line) => process.stdout.write(line + '\\n');
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id } = JSON.parse(line); ${code}; nth += 1; });`;
  return open({ command: [process.execPath, '-e', program], ...options });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
