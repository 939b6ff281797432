import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fileReasonOf } from '../../../src/common/fs/fs-errors.ts';
import { makeNamedFile, readNamedFile, readNamedText } from '../../../src/common/fs/named-file.ts';
import { readTls } from '../../../src/common/net/tls.ts';
import { cliProcess } from '../../support/cli.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-named-'));
  path = join(folder, 'named');
});

afterEach(() => rmSync(folder, { recursive: true }));

const whole = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\nroutes: { all: { sink: { type: log } } }\n';

describe('a file that is named', () => {
  test('is read whole, with its permissions, and without its byte order mark', () => {
    const text = 'ä'.repeat(100_000);
    writeFileSync(path, `\uFEFF${text}`, { mode: 0o600 });
    expect(readNamedText(path)).toMatchObject({ text });
    expect(readNamedText(path).mode & 0o777).toBe(0o600);
    expect(readNamedFile(path).toString()).toBe(`\uFEFF${text}`);
  });

  test('may be where a chain of links leads, as Kubernetes has it, and is another one once they lead elsewhere', () => {
    for (const version of ['1', '2']) {
      mkdirSync(join(folder, `..${version}`));
      writeFileSync(join(folder, `..${version}`, 'named'), version);
    }
    symlinkSync('..1', join(folder, '..data'));
    symlinkSync('..data/named', path);
    expect(readNamedText(path).text).toBe('1');
    symlinkSync('..2', join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
    expect(readNamedText(path).text).toBe('2');
  });

  test('may be one of the kernel’s, which says that it is empty', () => {
    expect(readNamedText('/proc/self/status').text).toMatch(/^Name:/);
  });

  test.each<[what: string, make: () => void, reason: string]>([
    ['nothing', () => undefined, 'there is no such file'],
    ['a directory', () => mkdirSync(path), 'it is a directory'],
    ['a pipe without a writer', () => execFileSync('mkfifo', [path]), 'it is a pipe, not a file'],
    ['a device without an end', () => symlinkSync('/dev/zero', path), 'it is a device, not a file'],
    ['10 GB', () => sparse(10e9), 'it is larger than 1 MiB'],
    ['a byte more than there may be', () => sparse(2 ** 20 + 1), 'it is larger than 1 MiB'],
    ['a NUL byte', () => writeFileSync(path, 'a\0b'), 'it is not UTF-8 text: it has NUL bytes, as UTF-16 has'],
    [
      'UTF-16',
      () => writeFileSync(path, '\uFEFFa: b', 'utf16le'),
      'it is not UTF-8 text: it has NUL bytes, as UTF-16 has',
    ],
    ['Latin-1', () => writeFileSync(path, 'ä', 'latin1'), 'it is not UTF-8 text'],
  ])('is refused at once where it is %s', (_what, make, reason) => {
    make();
    expect(reasonOf(() => readNamedText(path))).toBe(reason);
  });

  test('is refused where it is a socket', async () => {
    const server = createServer().listen(path);
    await new Promise((listening) => server.once('listening', listening));
    expect(reasonOf(() => readNamedText(path))).toBe('it is a socket, not a file');
    await new Promise((closed) => server.close(closed));
  });

  test('is made where it is missing, and a pipe that nobody reads is not waited for', () => {
    makeNamedFile(path, 0o600);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, 'kept');
    makeNamedFile(path, 0o600);
    expect(readNamedText(path).text).toBe('kept');
    rmSync(path);
    execFileSync('mkfifo', [path]);
    expect(reasonOf(() => makeNamedFile(path, 0o600))).toContain('it is a pipe that nobody reads');
  });
});

describe('a pipe, where one may be named', () => {
  const read = (patience = 10_000) => readNamedText(path, { pipe: true, patience }).text;

  beforeEach(() => {
    execFileSync('mkfifo', [path]);
  });

  test('is refused soon where nobody writes to it', () => {
    expect(reasonOf(read)).toBe("it is a pipe that nobody writes to; a shell's <(…) can be read once");
  });

  test('is read to its end, however slowly it is written', () => {
    shell(`{ echo a; sleep 0.5; head -c 200000 /dev/zero | tr '\\0' x; sleep 0.2; echo z; } > ${path}`);
    expect(read()).toMatch(/^a\nx{200000}z\n$/);
  });

  test('is given up where it holds too much, or doesn’t end', () => {
    shell(`yes > ${path}`);
    expect(reasonOf(read)).toBe('it is larger than 1 MiB');
    shell(`exec sleep 20 > ${path}`);
    expect(reasonOf(() => read(500))).toBe('it is a pipe whose writer has not ended within 0.5 s');
  });

  let children: ReturnType<typeof spawn>[] = [];

  /** Runs beside us, also while we wait without giving way. */
  function shell(script: string): void {
    children.push(spawn('/bin/sh', ['-c', script], { stdio: 'ignore' }));
  }

  afterEach(() => {
    for (const child of children) child.kill();
    children = [];
  });
});

describe('--config', () => {
  const check = (script: string) => {
    const program = `${process.execPath} ${resolve('src/main.ts')} check --config`;
    return execFileSync('bash', ['-c', script.replaceAll('CHECK', program)], { encoding: 'utf8', timeout: 30_000 });
  };

  beforeEach(() => writeFileSync(path, whole));

  test.each([
    ['what a command of the shell puts out', () => 'CHECK <(sleep 0.3; cat PATH)'],
    ['stdin, from a pipe', () => 'cat PATH | CHECK /dev/stdin'],
    ['stdin, from a file', () => 'CHECK /dev/stdin < PATH'],
    ['a named pipe whose writer waits', () => 'mkfifo PATH.pipe; cat PATH > PATH.pipe & CHECK PATH.pipe'],
  ])('may be %s', (_what, script) => {
    expect(check(script().replaceAll('PATH', path))).toContain('1 broker');
  });

  test('says what is wrong with the file', async () => {
    const messageFor = async (file: string, privileged = true) => {
      const { code, stdout, stderr } = await cliProcess(['check', '--config', file], { privileged });
      expect(code).toBe(1);
      return stdout + stderr;
    };
    execFileSync('mkfifo', [`${path}.pipe`]);
    writeFileSync(`${path}.secret`, whole, { mode: 0o000 });
    writeFileSync(`${path}.empty`, '');
    expect(await messageFor(`${path}.pipe`)).toContain(`${path}.pipe: can't be read: it is a pipe that nobody writes`);
    expect(await messageFor('/dev/zero')).toContain("/dev/zero: can't be read: it is a device, not a file");
    expect(await messageFor(folder)).toContain("can't be read: it is a directory");
    expect(await messageFor(`${path}.secret`, false)).toContain("can't be read: permission denied");
    expect(await messageFor(`${path}.empty`)).toContain('must be a mapping with at least the keys brokers and routes');
  });
});

test('a file of TLS that is empty, a pipe or huge is refused, with its option', () => {
  writeFileSync(path, '');
  expect(() => readTls({ ca: path })).toThrow(`the file of tls.ca, ${path}, can't be read: it is empty`);
  sparse(10e9);
  expect(() => readTls({ key: path })).toThrow('tls.key');
  rmSync(path);
  execFileSync('mkfifo', [path]);
  expect(() => readTls({ cert: path })).toThrow('it is a pipe, not a file');
});

/** Nothing but zeros, of which the disk holds none. */
function sparse(size: number): void {
  writeFileSync(path, '');
  truncateSync(path, size);
}

function reasonOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return fileReasonOf(error);
  }
  return 'nothing';
}
