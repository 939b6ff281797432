import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../../src/common/messages.ts';
import { readLinesAtEnd } from '../../../src/sinks/file/lines-at-end.ts';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { deliver, deliverAgain, type FileStage, fileStage, idsIn } from '../../support/file-stage.ts';
import { delivery } from '../../support/notification.ts';
import { until } from '../../support/until.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { file, filePlace } from '../contract/file.ts';

let stage: FileStage;
let folder: string;
let path: string;

beforeEach(() => {
  stage = fileStage();
  ({ folder, path } = stage);
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

keepsTheContract(file, filePlace);

describe('the file sink', () => {
  test('appends one line a notification, to a file and a folder that it makes', async () => {
    const sink = await stage.open();
    expect(await deliver(sink, 'a', 'b')).toEqual([{ status: 'delivered' }, { status: 'delivered' }]);
    await deliver(sink, 'c');
    expect(stage.ids()).toEqual(['a', 'b', 'c']);
    expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
  });

  test('shares a few buffers with all others, and mixes up nothing', async () => {
    const paths = Array.from({ length: 40 }, (_, index) => join(folder, `${index}.ndjson`));
    const batches = paths.map((file) =>
      Array.from({ length: 400 }, (_, index) => `${file} ${index} ${'é'.repeat(500)}`),
    );
    const sinks = await Promise.all(paths.map((file) => stage.open({ path: file })));
    const before = process.memoryUsage().arrayBuffers;
    const writing = sinks.map((sink, index) => deliver(sink, ...(batches[index] ?? [])));
    await Promise.race(writing);
    // All of them together have some 24 MB of lines.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000);
    await Promise.all(writing);
    for (const [index, file] of paths.entries()) expect(stage.ids(file)).toEqual(batches[index]);
  });

  test('writes a batch that fits into no buffer', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `${index} ${'é'.repeat(index === 20 ? 2_000_000 : 20_000)}`);
    await deliver(await stage.open(), ...ids);
    expect(stage.ids()).toEqual(ids);
  });

  test('goes on behind what a former run has left', async () => {
    await deliver(await stage.open(), 'a');
    await deliver(await stage.open(), 'b');
    expect(stage.ids()).toEqual(['a', 'b']);
  });

  test('starts a new file when the next batch would be too much for it, and splits no batch', async () => {
    const sink = await stage.open({ maxSize: 1_000 });
    for (const id of ['a', 'b', 'c', 'd']) await deliver(sink, id.repeat(400), id);
    const [current, ...rotated] = stage.files();
    expect(current).toBe('notifications.ndjson');
    expect(rotated).toHaveLength(3);
    expect(rotated[0]).toMatch(/^notifications-\d{8}T\d{6}Z(-\d+)?\.ndjson$/);
    const lines = [...rotated, current].flatMap((file) => stage.ids(join(folder, 'out', String(file))));
    expect(lines.toSorted()).toEqual(
      ['a', 'a'.repeat(400), 'b', 'b'.repeat(400), 'c', 'c'.repeat(400), 'd', 'd'.repeat(400)].toSorted(),
    );
  });

  test('starts a new file when the last line is of an earlier period', async () => {
    const sink = await stage.open({ rotate: 3_600_000 });
    await deliver(sink, 'old');
    const earlier = Date.now() / 1000 - 3_600;
    utimesSync(path, earlier, earlier);
    await deliver(sink, 'new');
    expect(stage.ids()).toEqual(['new']);
    expect(stage.files()).toHaveLength(2);
  });

  test('rotates what a link leads to, where that is, and leaves the link alone', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    mkdirSync(join(folder, 'out'));
    symlinkSync(join(disk, 'calls.ndjson'), path);
    const sink = await stage.open({ maxSize: 1_000, keep: 2, compress: 'gzip' });
    for (const id of ['a', 'b', 'c', 'd']) await deliver(sink, id.repeat(400), id);
    expect(stage.files()).toEqual(['notifications.ndjson']);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(stage.ids()).toEqual(['d'.repeat(400), 'd']);
    const kept = /^calls(-\d{8}T\d{6}Z(-\d+)?\.ndjson\.gz|\.ndjson)$/;
    await until(() => readdirSync(disk).length === 3 && readdirSync(disk).every((name) => kept.test(name)), {
      what: 'the compressing, which removes a file after it has put the other in its place',
    });
  });

  test('never rotates where both limits are 0', async () => {
    const sink = await stage.open({ maxSize: 0, rotate: 0 });
    await deliver(sink, 'a'.repeat(100_000));
    utimesSync(path, 1, 1);
    await deliver(sink, 'b');
    expect(stage.files()).toHaveLength(1);
  });

  test('keeps as many rotated files as it is told, the newest, and touches no other file', async () => {
    mkdirSync(join(folder, 'out'));
    const strangers = [
      'notifications-20200101T000000Z.ndjson.bz2',
      'notifications-old.ndjson',
      'xnotifications-20200101T000000Z.ndjson',
    ];
    for (const file of strangers) writeFileSync(join(folder, 'out', file), 'x');
    for (const day of ['01', '02', '03'])
      writeFileSync(join(folder, 'out', `notifications-202001${day}T000000Z.ndjson`), 'x');
    const sink = await stage.open({ maxSize: 10, keep: 2 });
    await deliver(sink, 'a');
    await deliver(sink, 'b');
    const left = stage.files();
    expect(left).toEqual(
      expect.arrayContaining([...strangers, 'notifications-20200103T000000Z.ndjson', 'notifications.ndjson']),
    );
    expect(left).not.toContain('notifications-20200102T000000Z.ndjson');
    expect(left).toHaveLength(strangers.length + 3);
  });

  test('removes no rotated file for its age while the clock is in doubt, only for its size', async () => {
    const sink = await stage.open({ rotate: 3_600_000, maxSize: 10_000, keep: 1 }, { mayRemoveOld: () => false });
    for (const id of ['a', 'b', 'c', 'd']) {
      await deliver(sink, id);
      utimesSync(path, 1, 1);
    }
    expect(stage.files()).toHaveLength(4);
    await deliver(sink, 'e'.repeat(20_000));
    expect(stage.files()).toHaveLength(2);
  });

  test('follows an operator’s logrotate that moves the file away, or removes it', async () => {
    const sink = await stage.open();
    await deliver(sink, 'a');
    renameSync(path, `${path}.1`);
    await deliver(sink, 'b');
    rmSync(path);
    await deliver(sink, 'c');
    expect(stage.ids(`${path}.1`)).toEqual(['a']);
    expect(stage.ids()).toEqual(['c']);
  });

  test('removes half a line that a crash has left, because the whole one comes again', async () => {
    await deliver(await stage.open(), 'a');
    appendFileSync(path, '{"id":"b","ev');
    await deliver(await stage.open(), 'b');
    expect(stage.ids()).toEqual(['a', 'b']);
    expect(stage.logged.join('')).toContain(messages.lineRemoved);
  });

  test('removes the beginning of a line, however short, and one longer than it reads at a time', async () => {
    for (const half of ['{', `{"id":"${'x'.repeat(300_000)}`]) {
      await deliver(await stage.open(), 'a');
      appendFileSync(path, half);
      await deliver(await stage.open(), 'b');
      expect(stage.ids()).toEqual(['a', 'b']);
      rmSync(path);
    }
  });

  test('ends a last line that isn’t its own instead of removing it', async () => {
    mkdirSync(join(folder, 'out'));
    writeFileSync(path, 'somebody else’s');
    await deliver(await stage.open(), 'a');
    expect(readFileSync(path, 'utf8')).toMatch(/^somebody else’s\n\{"id":"a"/);
  });
});

describe('after a crash, what a route delivers again', () => {
  const first = 'notifications-20260101T000000Z.ndjson';
  const second = 'notifications-20260102T000000Z.ndjson';
  const current = 'notifications.ndjson';
  const linesOf = (...ids: string[]) => ids.map((id) => `${delivery(id).json}\n`).join('');

  test.each<[string, Record<string, string | Buffer>]>([
    ['a batch was written', { [current]: linesOf('a', 'b', 'c') }],
    ['a batch was half written', { [current]: linesOf('a', 'b') + linesOf('c').slice(0, 40) }],
    ['only the end of its last line lacks', { [current]: linesOf('a', 'b', 'c').slice(0, -1) }],
    ['the file was rotated, and there is no new one yet', { [first]: linesOf('a', 'b') }],
    ['it was rotated in between', { [first]: linesOf('a', 'b'), [current]: linesOf('c') }],
    ['it was rotated twice in between', { [first]: linesOf('a'), [second]: linesOf('b'), [current]: linesOf('c') }],
    ['a rotated file is being compressed', { [first]: linesOf('a', 'b'), [`${first}.gz.part`]: 'half' }],
    ['it was compressed, and is there in both forms', both(first, linesOf('a', 'b'))],
    ['it was compressed', { [`${first}.gz`]: gzipSync(linesOf('a', 'b')), [current]: linesOf('c') }],
    ['the lines stand behind others', { [first]: linesOf('x', 'a'), [current]: `${linesOf('y', 'b')}theirs\n{}\n` }],
    ['an operator has removed the file', {}],
    ['an operator has put another in its place', { [current]: 'theirs\n{"id":"a"}\n' }],
  ])('stands there once where %s', async (_what, files) => {
    mkdirSync(join(folder, 'out'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'out', name), content);
    // Compressing goes on at the same time.
    const sink = await stage.open({ compress: 'gzip' });
    expect(await deliverAgain(sink, 'a', 'b', 'c', 'd')).toEqual(Array(4).fill({ status: 'delivered' }));
    expect(await deliverAgain(sink, 'e')).toEqual([{ status: 'delivered' }]);
    await deliver(sink, 'f');
    await sink.close();
    expect(whole().filter((line) => 'abcdef'.includes(idsIn(`${line}\n`)[0] ?? ''))).toEqual(
      linesOf(...'abcdef')
        .split('\n')
        .slice(0, -1),
    );
  });

  test('stands there in both shapes where the route has got another, or another route writes there too', async () => {
    mkdirSync(join(folder, 'out'));
    writeFileSync(path, '{"id":"a","event":"low_balance"}\n');
    await deliverAgain(await stage.open(), 'a');
    expect(stage.ids()).toEqual(['a', 'a']);
  });

  test('is written twice where an operator wants it again, also just after it was left out', async () => {
    await deliver(await stage.open(), 'a', 'b');
    const sink = await stage.open();
    await deliver(sink, 'a');
    await deliverAgain(sink, 'b');
    await deliver(sink, 'b');
    expect(stage.ids()).toEqual(['a', 'b', 'a', 'b']);
  });

  test.each<[string, Partial<Parameters<typeof readLinesAtEnd>[3]>, string]>([
    ['lines', { lines: 3 }, 'cde'],
    ['bytes of lines', { bytes: 2 * linesOf('a').length }, 'de'],
    ['files that are small enough to be unpacked', { compressed: 100 }, 'de'],
    ['files that hold little enough to be unpacked', { unpacked: 2 * linesOf('a').length }, 'de'],
    ['what there is', {}, 'abcde'],
  ])('is looked for in the last %s only', async (_what, bounds, found) => {
    mkdirSync(join(folder, 'out'));
    writeFileSync(join(folder, 'out', `${first}.gz`), gzipSync(linesOf('a', 'b', 'c')));
    writeFileSync(path, linesOf('d', 'e'));
    const plenty = { bytes: 2 ** 20, lines: 1_000, compressed: 2 ** 20, unpacked: 2 ** 20 };
    const { signal } = new AbortController();
    const lines = await readLinesAtEnd(path, pino({ level: 'silent' }), signal, { ...plenty, ...bounds });
    expect([...lines.keys()].toSorted()).toEqual([...found]);
  });

  test.each([
    ['is damaged', (file: string) => writeFileSync(`${file}.gz`, 'no gzip'), 'incorrect header check'],
    ['is a folder', (file: string) => mkdirSync(file), 'it is not a regular file'],
    ['is a named pipe', (file: string) => execFileSync('mkfifo', [file]), 'it is not a regular file'],
  ])('is written again where a rotated file %s, and the log says so', async (_what, make, reason) => {
    mkdirSync(join(folder, 'out'));
    make(join(folder, 'out', first));
    writeFileSync(path, linesOf('b'));
    await deliverAgain(await stage.open(), 'a', 'b');
    expect(stage.ids()).toEqual(['b', 'a']);
    expect(stage.logged.join('')).toContain(messages.rotatedUnread);
    expect(stage.logged.join('')).toContain(reason);
  });

  /** All lines of whatever form, oldest first. */
  function whole(): string[] {
    const names = stage
      .files()
      .filter((name) => !stage.files().includes(name.replace(/\.gz$/, '')) || !name.endsWith('.gz'));
    const texts = [...names.slice(1), ...names.slice(0, 1)].map((name) => {
      const content = readFileSync(join(folder, 'out', name));
      return (name.endsWith('.gz') ? gunzipSync(content) : content).toString();
    });
    return texts
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('{"id":"') && line.length > 40);
  }

  function both(name: string, lines: string): Record<string, string | Buffer> {
    return { [name]: lines, [`${name}.gz`]: gzipSync(lines) };
  }
});

describe('a file that can’t be written', () => {
  test('makes the sink unavailable, with a message that names it, until it can', async () => {
    mkdirSync(path, { recursive: true });
    await expect(stage.open()).rejects.toThrow(SinkUnavailable);
    await expect(stage.open()).rejects.toThrow(/notifications\.ndjson can't be written: it is a directory$/);
    rmSync(path, { recursive: true });
    await deliver(await stage.open(), 'a');
    expect(stage.ids()).toEqual(['a']);
  });

  test('may be a folder that is a file', async () => {
    writeFileSync(join(folder, 'out'), '');
    await expect(stage.open()).rejects.toThrow(/can't be written: .* is not a folder$/);
  });

  test('may be no regular file', async () => {
    await expect(stage.open({ path: '/dev/null' })).rejects.toThrow(
      "/dev/null can't be written: it is not a regular file",
    );
  });

  test('may be one that the sink has no right to', async () => {
    if (process.getuid?.() === 0) return; // root may write anything
    mkdirSync(join(folder, 'out'));
    chmodSync(join(folder, 'out'), 0o500);
    await expect(stage.open()).rejects.toThrow(
      /can't be written: permission denied \(.*out is owned by .* with mode 0500, this is .*\)$/,
    );
    chmodSync(join(folder, 'out'), 0o700);
  });

  test('keeps no half line of a batch that didn’t fit on the disk', async () => {
    // A process of its own, whose files may not grow beyond 4 KiB.
    const child = spawn(
      '/bin/sh',
      ['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath, 'test/support/fill-file.ts', path],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await once(child, 'close');
    expect(output).toContain("can't be written: it is larger than a file may be");
    expect(output).toContain('then delivered');
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    for (const line of lines) expect(JSON.parse(line).id).toBeDefined();
  });
});

describe('a guest beside the daemon', () => {
  test('leaves alone what the daemon is writing, and does not rotate', async () => {
    mkdirSync(join(folder, 'out'));
    writeFileSync(path, '{"id":"1"}\n{"id":"2"');
    const guest = await stage.open({ maxSize: 1 }, { isGuest: true });
    // The daemon's line is whole by the time the guest writes.
    appendFileSync(path, '}\n');
    await deliver(guest, '3');
    expect(stage.ids()).toEqual(['1', '2', '3']);
    expect(stage.logged).toEqual([]);
  });
});
