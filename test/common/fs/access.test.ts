import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeFolder } from '../../../src/common/fs/access.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-folder-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('a folder', () => {
  test('is made with those that it lies in, each for the same people', () => {
    makeFolder(join(folder, 'a', 'b', 'c'), 0o700);
    for (const name of ['a', 'a/b', 'a/b/c']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o700);
  });

  test('is left as it is where it is there, also behind a link', () => {
    mkdirSync(join(folder, 'a'), { mode: 0o755 });
    symlinkSync('a', join(folder, 'link'));
    makeFolder(join(folder, 'link'), 0o700);
    makeFolder(join(folder, 'link', 'b'), 0o700);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o755);
    expect(statSync(join(folder, 'a', 'b')).isDirectory()).toBe(true);
  });

  test('may be named from the working directory on', () => {
    expect(() => makeFolder('src', 0o700)).not.toThrow();
    expect(() => makeFolder('package.json/a', 0o700)).toThrow(/package\.json is not a folder$/);
  });

  test('is refused, with what is in the way', () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('loop', join(folder, 'loop'));
    symlinkSync('nowhere', join(folder, 'dangling'));
    const refusals: [path: string, message: string][] = [
      ['file', `${folder}/file is not a folder`],
      ['file/a/b', `${folder}/file is not a folder`],
      ['loop/a', `${folder}/loop/a can't be reached: its links lead in a circle`],
      ['dangling', `${folder}/dangling is a link to nowhere, which is not there`],
      ['dangling/a', `${folder}/dangling is a link to nowhere, which is not there`],
      [`a/${'n'.repeat(300)}`, `no folder can be made in ${folder}/a: a name in its path is too long`],
    ];
    for (const [path, message] of refusals) expect(() => makeFolder(join(folder, path), 0o700)).toThrow(message);
  });

  test('is refused at once where no folder can be', () => {
    expect(() => makeFolder('/proc/nothing/below', 0o700)).toThrow(
      'no folder can be made in /proc: its file system takes none',
    );
  });
});
