import { spawn } from 'node:child_process';
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
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { deliver, type FileStage, fileStage } from '../../support/file-stage.ts';
import { until } from '../../support/until.ts';

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

describe('the file sink', () => {
  test('appends one line a notification, to a file and a folder that it makes', async () => {
    const sink = await stage.open();
    expect(await deliver(sink, 'a', 'b')).toEqual([{ status: 'delivered' }, { status: 'delivered' }]);
    await deliver(sink, 'c');
    expect(stage.ids()).toEqual(['a', 'b', 'c']);
    expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
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
    expect(stage.logged.join('')).toContain('removed half a line');
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
