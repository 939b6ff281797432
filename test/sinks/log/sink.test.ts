import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { throughStream, writeSome } from '../../../src/common/fs/descriptor.ts';
import { Output } from '../../../src/sinks/log/sink.ts';
import { stalledPipe } from '../../support/stalled-pipe.ts';
import { until } from '../../support/until.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { log, logPlace } from '../contract/log.ts';

keepsTheContract(log, logPlace);

describe('the log sink', () => {
  test('writes one JSON line a notification, with the envelope’s keys at its top', async () => {
    const { stdout, stderr } = await finish(start('1', '3'));
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({
      level: 'info',
      msg: 'low_balance',
      id: '0-xxx',
      event: 'low_balance',
      account_id: 'a1',
      valid: true,
    });
    expect(first.time).toMatch(/^\d{4}-\d{2}-\d{2}T/);
    expect(first.data).toEqual({ event_name: 'low_balance', current_balance: -1 });
    expect(second.level).toBe('warn');
    expect(stderr).toContain('delivered\ndelivered');
  });

  test.each([
    ['DEL', '\u007f'],
    ['C1', '\u009b31m'],
    ['a direction', '\u202e\u2066'],
    ['a line’s end', '\u2028'],
  ])('writes %s as escapes, of the same JSON', async (_, steering) => {
    const { stdout } = await finish(start('1', '1', steering));
    expect(stdout).not.toMatch(/[^\n\x20-\x7e]/);
    expect(JSON.parse(stdout.split('\n')[0] ?? '').id).toBe(`0-x${steering}`);
  });

  test('writes a batch at once, as far as a MiB goes, and each byte of it', async () => {
    const writes: Buffer[] = [];
    const output = new Output(async (bytes) => writes.push(Buffer.from(bytes)) && bytes.length);
    const lines = (count: number, text: string) => Array.from({ length: count }, (_, index) => `${index} ${text}\n`);
    const { signal } = new AbortController();
    await output.write(lines(500, 'x'.repeat(900)), signal);
    expect(writes.map(String)).toEqual([lines(500, 'x'.repeat(900)).join('')]);
    for (const text of ['x'.repeat(9_000), 'x'.repeat(2_000_000), 'ä€😀'.repeat(2_000)]) {
      writes.length = 0;
      await output.write(lines(300, text).slice(0, text.length > 10_000 ? 2 : 300), signal);
      const written = Buffer.concat(writes).toString();
      expect(written.split('\n')).toHaveLength(text.length > 10_000 ? 3 : 301);
      for (const [index, line] of written.trimEnd().split('\n').entries())
        expect(JSON.parse(`"${line}"`) === `${index} ${text}`).toBe(true);
    }
  });

  test('never mixes the lines of two routes, however long they are', async () => {
    const { stdout } = await finish(start('20', '100000'));
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(40);
    for (const line of lines) expect(JSON.parse(line).id).toHaveLength(JSON.parse(line).id.indexOf('-') + 1 + 100_000);
  });

  test('waits for a slow reader without holding up anything else', async () => {
    const child = start('3', '500000');
    child.process.stdout.pause();
    await until(() => child.output.stderr.includes('ticking'), { what: 'the ticks of a process that waits' });
    expect(child.output.stderr).not.toContain('delivered');
    child.process.stdout.resume();
    const { stderr } = await finish(child);
    expect(stderr.match(/delivered/g)).toHaveLength(6);
  });

  test('is unavailable once the reader of stdout is gone, and survives it', async () => {
    const child = start('3', '500000');
    child.process.stdout.destroy();
    const { stderr, code } = await finish(child);
    expect(stderr).toContain("SinkUnavailable: stdout can't be written: ");
    expect(code).toBe(0);
  });
});

describe('what is at stdout', () => {
  const never = new AbortController().signal;
  const closing: (() => void)[] = [];

  // Also after a failure: a write that waits keeps the process from its end.
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  test('is left by a route whose attempt is over: what was not begun does not come later', async () => {
    const pipe = stalledPipe();
    const stream = new Socket({ fd: pipe.descriptor, readable: false });
    closing.push(pipe.closeReader, () => void stream.destroy());
    const output = new Output(throughStream(stream));
    const attempt = new AbortController();
    // More than the pipe holds, so that the first one is under way until somebody reads; and each more than one write has.
    const pieces = Array.from({ length: 3 }, (_, number) => `${number}${'x'.repeat(1_100_000)}\n`);
    const waiting = output.write(pieces, attempt.signal);
    const behind = output.write(['behind it\n'], attempt.signal);
    await until(() => pipe.read() !== '', { what: 'the first piece' });
    attempt.abort(new Error('too late'));
    await expect(waiting).rejects.toThrow('too late');
    await expect(behind).rejects.toThrow('too late');
    const last = output.write(['the last\n'], never);
    let text = '';
    const read = () => {
      text += pipe.read();
      return text.includes('the last');
    };
    await until(read, { what: 'the next attempt' });
    await last;
    expect(text).toMatch(/x\nthe last\n$/);
    expect(text).not.toMatch(/[12]x|behind it/);
  });

  test('has a line ended that could not be written whole, before the next one', async () => {
    let text = '';
    let room = 5;
    const output = new Output(async (bytes) => {
      if (room === 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      const taken = Math.min(room, bytes.length);
      text += Buffer.from(bytes.subarray(0, taken)).toString();
      room -= taken;
      return taken;
    });
    await expect(output.write(['a line\n'], never)).rejects.toMatchObject({ name: 'SinkUnavailable' });
    room = 100;
    await output.write(['a line\n'], never);
    await output.write(['another\n'], never);
    expect(text).toBe('a lin\na line\nanother\n');
  });

  test('may be full: the route hears why, and tries again', async () => {
    const full = openSync('/dev/full', 'w');
    const output = new Output((bytes) => writeSome(full, bytes));
    const failure = { name: 'SinkUnavailable', message: "stdout can't be written: its disk is full" };
    await expect(output.write(['a line\n'], never)).rejects.toMatchObject(failure);
    await expect(output.write(['a line\n'], never)).rejects.toMatchObject(failure);
    closeSync(full);
  });
});

function start(...args: string[]) {
  const child = spawn(process.execPath, ['test/support/log-sink.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  return { process: child, output, ended: once(child, 'close') };
}

async function finish({ ended, output }: ReturnType<typeof start>) {
  const [code] = await ended;
  return { ...output, code };
}
