import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { reasonOf } from '../../../src/common/errors.ts';
import { fileReasonOf } from '../../../src/common/fs/fs-errors.ts';
import { journalFailure } from '../../../src/journal/sqlite/failure.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-disk-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const failure = (message: string, errcode: number) =>
  journalFailure(join(folder, 'journal.sqlite'), 'written', Object.assign(new Error(message), { errcode }), 'daemon')
    .message;

describe('what the system refuses', () => {
  test.each([
    ['EDQUOT', "this user's quota on the disk is used up"],
    ['EMFILE', 'too many files and connections open: raise its limit'],
    ['ENFILE', 'this machine has too many files open'],
  ] as const)('is said in plain words (%s), of a file and of a connection', (name, words) => {
    const errno = -constants.errno[name];
    // As Node has it; of a number that it has no name for, its calls for files and its sockets say so in their own ways.
    const named = getSystemErrorName(errno);
    for (const code of named === name ? [name] : [named, 'UNKNOWN']) {
      const error = Object.assign(new Error(`connect ${code} 127.0.0.1:5672`), { code, errno });
      expect(reasonOf(error)).toContain(words);
      expect(fileReasonOf(error)).toContain(words);
    }
  });

  test('is found out where SQLite doesn’t tell, and nothing is left of that', () => {
    const setLimit = (limit: string) =>
      void execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:`]);
    const open: number[] = [];
    setLimit(String(readdirSync('/proc/self/fd').length + 30));
    try {
      expect(() => {
        for (;;) open.push(openSync('/dev/null', 'r'));
      }).toThrow(/EMFILE/);
      expect(failure('unable to open database file', 14)).toContain('too many files and connections open');
      expect(failure('unable to open database file', 14)).not.toContain('must be writable');
    } finally {
      for (const descriptor of open) closeSync(descriptor);
      setLimit(String(hardLimit()));
    }
    expect(failure('disk I/O error', 10)).toMatch(/can't be written: disk I\/O error/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

function hardLimit(): number {
  return Number(execFileSync('prlimit', ['--pid', String(process.pid), '--nofile', '--noheadings', '--output=HARD']));
}
