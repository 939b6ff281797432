import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pino from 'pino';
import { ExponentialBackoff } from '../../../src/common/async/loop.ts';
import { Compressor } from '../../../src/sinks/file/compressor.ts';
import { deliver, type FileStage, fileStage, idsIn } from '../../support/file-stage.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

let stage: FileStage;
/** Where the rotated files are, and one of them. */
let out: string;
let old: string;

beforeEach(() => {
  stage = fileStage();
  out = join(stage.folder, 'out');
  mkdirSync(out);
  old = join(out, 'notifications-20200101T000000Z.ndjson');
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

const compress = 'gzip';
const lines = '{"id":"1"}\n{"id":"2"}\n';

describe('a rotated file', () => {
  test('is compressed where the sink is told so: all its lines, its time, and the permissions of any file', async () => {
    const sink = await stage.open({ compress, maxSize: 1, mode: '0600' });
    await deliver(sink, 'a', 'b');
    utimesSync(stage.path, 1_600_000_000, 1_600_000_000);
    for (const id of ['c', 'd']) await deliver(sink, id);
    const files = await rotated(2, /^notifications-\d{8}T\d{6}Z(-1)?\.ndjson\.gz$/);
    expect(files.map((file) => idsIn(unzipped(file)).join()).toSorted()).toEqual(['a,b', 'c']);
    expect(stage.ids()).toEqual(['d']);
    expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(files.filter((file) => statSync(file).mtimeMs === 1_600_000_000_000)).toHaveLength(1);
  });

  test('is compressed at the start where an earlier run has left it, and left as it is without the option', async () => {
    writeFileSync(old, lines);
    await deliver(await stage.open(), 'a');
    await stage.open({ compress });
    await until(() => !existsSync(old), { what: 'the file to be compressed' });
    expect(unzipped(`${old}.gz`)).toBe(lines);
    await (await stage.open()).close();
    expect(stage.files()).toEqual(['notifications.ndjson', 'notifications-20200101T000000Z.ndjson.gz']);
  });

  test('never gets a name that another one has, in either form', async () => {
    const names = [0, 1, 2, 3, 4, 5].map((second) => {
      const stamp = new Date(Date.now() + second * 1_000).toISOString().replace(/[-:]|\.\d+/g, '');
      return join(out, `notifications-${stamp}.ndjson`);
    });
    for (const name of names) writeFileSync(`${name}.gz`, gzipSync('taken'));
    const sink = await stage.open({ compress, maxSize: 1 });
    for (const id of ['a', 'b', 'c']) await deliver(sink, id);
    const contents = (await rotated(names.length + 2, /\.ndjson\.gz$/)).map(unzipped);
    expect(
      contents
        .filter((content) => content !== 'taken')
        .flatMap(idsIn)
        .toSorted(),
    ).toEqual(['a', 'b']);
    for (const name of names) expect(unzipped(`${name}.gz`)).toBe('taken');
  });

  test('counts once for `keep`, whatever its form, whoever compressed it, and whether that is asked for; no other file does', async () => {
    for (const [day, ...forms] of [
      ['01', ''],
      ['02', '.gz'],
      ['03', '', '.gz', '.gz.part'],
      ['04', '.gz'],
      ['05', ''],
    ]) {
      for (const form of forms) writeFileSync(join(out, `notifications-202001${day}T000000Z.ndjson${form}`), 'x');
    }
    const others = ['notifications-20191231T000000Z.ndjson.zst', 'notifications-20191231.ndjson.gz'];
    for (const name of others) writeFileSync(join(out, name), 'x');
    const sink = await stage.open({ keep: 4, maxSize: 1 });
    for (const id of ['a', 'b']) await deliver(sink, id);
    await until(() => !stage.files().join().includes('.part'), { what: 'the half file to be removed' });
    expect(stage.files()).toEqual(expect.arrayContaining(others));
    const left = stage.files().filter((file) => file.startsWith('notifications-2020'));
    expect(left).toEqual([
      'notifications-20200103T000000Z.ndjson',
      'notifications-20200103T000000Z.ndjson.gz',
      'notifications-20200104T000000Z.ndjson.gz',
      'notifications-20200105T000000Z.ndjson',
    ]);
  });
});

describe('compressing', () => {
  test('holds up no delivery and no rotation, and is given up at the close without a trace', async () => {
    makeGiant(old);
    const sink = await stage.open({ compress, maxSize: 1 });
    await until(() => existsSync(`${old}.gz.part`), { what: 'the giant to be compressed' });
    for (const id of ['a', 'b', 'c']) expect(await deliver(sink, id)).toEqual([{ status: 'delivered' }]);
    expect(stage.files()).toHaveLength(5);
    expect(existsSync(`${old}.gz.part`)).toBe(true);
    await sink.close();
    expect(stage.files().filter((file) => file.includes('.gz'))).toEqual([]);
    expect(statSync(old).size).toBe(giant);
    await until(() => openFiles().length === 0, { what: 'all files to be closed' });
    expect(stage.logged).toEqual([]);
  });

  test('is done for one file at a time, whatever the number of sinks; one that waits for its turn closes at once', async () => {
    await using other = fileStage();
    const otherOld = join(other.folder, 'out', 'notifications-20200101T000000Z.ndjson');
    mkdirSync(join(other.folder, 'out'));
    for (const file of [old, otherOld]) makeGiant(file);
    const sink = await stage.open({ compress });
    await until(() => existsSync(`${old}.gz.part`), { what: 'the first to be compressed' });
    await (await other.open({ compress })).close();
    expect([existsSync(`${old}.gz.part`), existsSync(`${otherOld}.gz.part`)]).toEqual([true, false]);
    await other.open({ compress });
    await deliver(sink, 'a');
    expect(existsSync(`${otherOld}.gz.part`)).toBe(false);
    await sink.close();
    await until(() => existsSync(`${otherOld}.gz.part`), { what: 'the turn of the second' });
  });

  test('ends in nothing where `keep` has removed the file meanwhile', async () => {
    makeGiant(old, 2 ** 28);
    const sink = await stage.open({ compress, maxSize: 1, keep: 1 });
    await until(() => existsSync(`${old}.gz.part`), { what: 'the file to be compressed' });
    for (const id of ['a', 'b']) await deliver(sink, id);
    expect(existsSync(old)).toBe(false);
    const [only = ''] = await rotated(1, /\.ndjson\.gz$/);
    expect(idsIn(unzipped(only))).toEqual(['a']);
    expect(stage.logged).toEqual([]);
  });

  test('is left to the daemon by a guest beside it', async () => {
    for (const file of [old, `${old}.gz.part`]) writeFileSync(file, lines);
    const guest = await stage.open({ compress, maxSize: 1 }, { isGuest: true });
    for (const id of ['a', 'b']) await deliver(guest, id);
    await guest.close();
    expect([readFileSync(old, 'utf8'), readFileSync(`${old}.gz.part`, 'utf8')]).toEqual([lines, lines]);
    expect(stage.files()).toHaveLength(3);
  });
});

describe('what a crash has left of compressing', () => {
  test('is half a file: it is removed, and begun again', async () => {
    writeFileSync(old, lines);
    writeFileSync(`${old}.gz.part`, gzipSync(lines).subarray(0, 12));
    writeFileSync(join(out, 'notifications-20191231T000000Z.ndjson.gz.part'), '');
    await stage.open({ compress });
    const [only = ''] = await rotated(1, /\.ndjson\.gz$/);
    expect(unzipped(only)).toBe(lines);
  });

  test('is half a file, which is removed where nothing is compressed any more, too', async () => {
    for (const file of [old, `${old}.gz.part`]) writeFileSync(file, lines);
    await stage.open();
    await until(() => !existsSync(`${old}.gz.part`), { what: 'the half file to be removed' });
    expect(readFileSync(old, 'utf8')).toBe(lines);
  });

  test('is a file in both forms: what was compressed is read before the other one is removed', async () => {
    writeFileSync(old, lines);
    writeFileSync(`${old}.gz`, gzipSync(lines));
    const { ino } = statSync(`${old}.gz`);
    await stage.open({ compress });
    await until(() => !existsSync(old), { what: 'the other one to be removed' });
    expect(unzipped(`${old}.gz`)).toBe(lines);
    expect(statSync(`${old}.gz`).ino).toBe(ino);
  });

  test.each([
    ['of something else', gzipSync('{"id":"1"}\n'), 'is in the way, and holds something else'],
    ['that is cut off', gzipSync(lines).subarray(0, -9), "is in the way, and can't be read: unexpected end of file"],
    ['that is none', Buffer.from('no gzip'), "is in the way, and can't be read: incorrect header check"],
  ])('is no .gz %s: both stay, with a warning', async (_what, bytes, reason) => {
    writeFileSync(old, lines);
    writeFileSync(`${old}.gz`, bytes);
    await stage.open({ compress });
    await warnings(1);
    expect(stage.logged.join('')).toContain(`${old}.gz ${reason}`);
    expect(readFileSync(old, 'utf8')).toBe(lines);
    expect(readFileSync(`${old}.gz`)).toEqual(bytes);
  });

  test('is, after a kill in the middle, the file as it was, and what the next start removes', async () => {
    makeGiant(old);
    const { child } = startProcess('exec "$0" "$@"');
    await until(() => existsSync(`${old}.gz.part`), { what: 'the giant to be compressed' });
    child.kill('SIGKILL');
    await once(child, 'close');
    expect([statSync(old).size, existsSync(`${old}.gz`), existsSync(`${old}.gz.part`)]).toEqual([giant, false, true]);
    await stage.open();
    await until(() => !existsSync(`${old}.gz.part`), { what: 'the half file to be removed' });
  });
});

describe('compressing that fails', () => {
  test('is one warning, holds up neither deliveries nor other files, and works once it can', async () => {
    mkdirSync(old);
    mkdirSync(join(out, 'notifications-20200102T000000Z.ndjson'));
    const sink = await stage.open({ compress, maxSize: 1 });
    await warnings(1);
    const compressed = (count: number) =>
      until(() => stage.files().filter((file) => file.endsWith('.gz')).length === count, { what: `${count} files` });
    for (const [count, id] of ['a', 'b', 'c'].entries()) {
      await deliver(sink, id);
      await compressed(count);
    }
    await warnings(1);
    expect(JSON.parse(stage.logged[0] ?? '')).toMatchObject({
      path: old,
      reason: 'it is not a regular file',
      others: 1,
    });
    for (const day of ['01', '02']) rmSync(join(out, `notifications-202001${day}T000000Z.ndjson`), { recursive: true });
    writeFileSync(old, lines);
    await deliver(sink, 'd');
    await rotated(4, /\.ndjson\.gz$/);
    expect(unzipped(`${old}.gz`)).toBe(lines);
    await until(() => stage.logged.length === 2, { what: 'the end of the trouble' });
    expect(stage.logged[1]).toContain('rotated files are compressed again');
  });

  test('leaves the file where the compressed one doesn’t fit on the disk, and no half one', async () => {
    // A process whose files may not grow beyond 4 KiB.
    const bytes = randomBytes(64 * 1024);
    writeFileSync(old, bytes);
    const { child, output } = startProcess('ulimit -f 8; exec "$0" "$@"');
    child.stdin.write('a\nb\n');
    await until(() => output().includes('delivered b'), { what: 'the second delivery' });
    await until(() => stage.files().length === 3 && stage.files()[2]?.endsWith('.gz'), { what: 'the other file' });
    expect(readFileSync(old)).toEqual(bytes);
    expect(stage.ids()).toEqual(['b']);
    child.stdin.end();
    expect(await once(child, 'close')).toEqual([0, null]);
    const told = output().match(/"reason":"it is larger than a file may be[^}]*could not be compressed/g);
    expect(told).toHaveLength(1);
  });

  test('is not tried with one file after the other on a full disk, and is tried again by itself', async () => {
    using disk = smallDisk(out, '1m');
    if (disk === undefined) return; // only root may
    const others = ['02', '03'].map((day) => join(out, `notifications-202001${day}T000000Z.ndjson`));
    for (const file of [old, ...others]) writeFileSync(file, randomBytes(300_000));
    const pauses = new ExponentialBackoff(5, 5);
    const tries = jest.spyOn(pauses, 'next');
    const log = pino({ level: 'info' }, { write: (line: string) => void stage.logged.push(line) });
    const compressor = new Compressor({ compress, mode: '0640' }, log, pauses);
    compressor.start(stage.path);
    await until(() => tries.mock.calls.length >= 3, { what: 'some tries' });
    await warnings(1);
    expect(JSON.parse(stage.logged[0] ?? '')).toMatchObject({
      path: old,
      reason: 'its disk is full',
      others: 0,
    });
    disk.grow('4m');
    await until(() => stage.logged.length === 2, { what: 'the end of the trouble' });
    expect(stage.logged[1]).toContain('rotated files are compressed again');
    expect(stage.files().every((file) => file.endsWith('.ndjson.gz'))).toBe(true);
    await compressor.close();
  });

  test('keeps nobody from closing while it waits to try again', async () => {
    mkdirSync(old);
    const sink = await stage.open({ compress });
    await warnings(1);
    await sink.close();
  });

  test('leaves the file where somebody writes to it meanwhile', async () => {
    makeGiant(old);
    await stage.open({ compress });
    await until(() => (statSync(`${old}.gz.part`, { throwIfNoEntry: false })?.size ?? 0) > 0, {
      what: 'some of the file to be compressed',
    });
    writeFileSync(old, lines);
    await warnings(1);
    expect(stage.logged.join('')).toContain('it was written to while it was compressed');
    expect(stage.files()).toEqual(['notifications.ndjson', 'notifications-20200101T000000Z.ndjson']);
  });
});

/** What takes far longer to compress than any test: nothing but zeros, of which the disk holds none. */
const giant = 2 ** 36;

function makeGiant(path: string, size = giant): void {
  writeFileSync(path, '');
  truncateSync(path, size);
}

/** The paths of all rotated files, once there are so many, and each has the form. */
function rotated(count: number, form: RegExp): Promise<string[]> {
  return until(
    () => {
      const files = stage.files().slice(1);
      return files.length === count && files.every((file) => form.test(file)) && files.map((file) => join(out, file));
    },
    { what: `${count} files of ${form}` },
  );
}

function warnings(count: number): Promise<unknown> {
  return until(
    () => stage.logged.length === count && stage.logged.every((line) => line.includes('could not be compressed')),
    {
      what: `${count} warnings`,
    },
  );
}

function unzipped(path: string): string {
  return gunzipSync(readFileSync(path)).toString();
}

/** What this process has open below the test's folder. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(stage.folder);
    } catch {
      return false; // the one that read the folder
    }
  });
}

/** A process with such a sink. @param script of the shell that becomes it */
function startProcess(script: string) {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    '/bin/sh',
    ['-c', script, process.execPath, 'test/support/file-process.ts', stage.path],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return { child, output: () => output };
}
