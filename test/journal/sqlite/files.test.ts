import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../../src/common/messages.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { Checkpoints } from '../../../src/journal/sqlite/connection.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { acquireLock } from '../../../src/journal/sqlite/lock.ts';
import { openJournalReader } from '../../../src/journal/sqlite/reader.ts';
import { notification } from '../../support/notification.ts';
import { until } from '../../support/until.ts';

let parent: string;
let folder: string;
let file: string;
let journal: Journal;
let ids: string[];
let logged: string[];
const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });
const told = (text: string) => logged.filter((line) => line.includes(text));

beforeEach(async () => {
  logged = [];
  parent = mkdtempSync(join(tmpdir(), 'kazoo-relay-files-'));
  folder = join(parent, 'journal');
  file = join(folder, 'journal.sqlite');
  journal = openJournal(folder, log, undefined, { lookEvery: 20 });
  // As if nothing had changed in it for long.
  utimesSync(folder, 1, 1);
  const batch = Array.from({ length: 20 }, () => notification({}));
  ids = batch.map(({ header }) => header.id);
  await journal.append(batch);
});

afterEach(async () => {
  await journal.close();
  rmSync(parent, { recursive: true });
});

const replace = (path: string) => {
  rmSync(path);
  writeFileSync(path, '');
};
const moveAway = (path: string) => renameSync(path, join(parent, 'elsewhere'));

describe('a journal that is in use', () => {
  test.each<[string, () => unknown]>([
    ['its file removed', () => rmSync(file)],
    ['its file moved', () => moveAway(file)],
    ['its file replaced', () => replace(file)],
    ['another file moved over it', () => renameSync(copyOf(file), file)],
    ['its log removed', () => rmSync(`${file}-wal`)],
    ['its log moved', () => moveAway(`${file}-wal`)],
    ['its log replaced', () => replace(`${file}-wal`)],
    ['what readers share removed', () => rmSync(`${file}-shm`)],
    ['its folder removed', () => rmSync(folder, { recursive: true })],
    ['its folder moved', () => moveAway(folder)],
    ['its folder replaced', () => [moveAway(folder), mkdirSync(folder)]],
  ])('takes nothing with %s, and notices it by itself', async (_what, happens) => {
    happens();
    await expect(journal.append([notification({})])).rejects.toThrow(/was removed, moved or replaced/);
    await expect(journal.openRoute('r', 'now')).rejects.toThrow(/was removed, moved or replaced/);
    expect(journal.trouble).toMatch(/was removed, moved or replaced/);
    const said = () => logged.filter((line) => line.includes(messages.journalGone));
    expect(said()).toHaveLength(1);
  });

  test('notices it where nothing comes in', async () => {
    rmSync(file);
    await until(() => journal.trouble !== null, { what: 'the look' });
    expect(logged.join('')).toContain(messages.journalGone);
  });

  test('notices what happens within the same tick of the clock as the change before', async () => {
    writeFileSync(join(folder, 'another'), '');
    const { atime, mtime } = statSync(folder);
    await journal.append([notification({})]);
    rmSync(file);
    utimesSync(folder, atime, mtime);
    await expect(journal.append([notification({})])).rejects.toThrow(/was removed, moved or replaced/);
  });

  test('notices what happens while a batch is committed', async () => {
    // Between the look in the transaction and the answer, as a commit that waits for its disk leaves time for it.
    const unsubscribe = journal.subscribe(() => rmSync(file));
    const late = notification({});
    await expect(journal.append([late])).rejects.toThrow(/was removed, moved or replaced/);
    unsubscribe();
    await copyBack();
    expect(await idsIn(folder)).toEqual([...ids, late.header.id]);
  });

  test.each<[string, () => void]>([
    ['its file removed', () => rmSync(file)],
    ['its file replaced', () => replace(file)],
    ['its folder removed', () => rmSync(folder, { recursive: true })],
  ])('with %s says how to get all of it back from what is open', async (_what, happens) => {
    happens();
    await expect(journal.append([notification({})])).rejects.toThrow();
    await copyBack();
    expect(await idsIn(folder)).toEqual(ids);
  });

  test.each<[string, () => void]>([
    ['its file', () => moveAway(file)],
    ['its folder', () => moveAway(folder)],
  ])('that has %s moved says where it is, and goes on once it is back', async (_what, happens) => {
    happens();
    await expect(journal.append([notification({})])).rejects.toThrow(/move it back, then intake continues/);
    for (const [, from = '', to = ''] of (journal.trouble ?? '').matchAll(/mv (\S+) (\S+?)(?= &&|$)/g)) {
      mkdirSync(folder, { recursive: true });
      renameSync(from, to);
    }
    const next = notification({});
    expect(await journal.append([next])).toHaveLength(1);
    expect(journal.trouble).toBeNull();
    expect(logged.join('')).toContain(messages.journalBack);
    expect(await idsIn(folder)).toEqual([...ids, next.header.id]);
  });

  test('loses nothing of a log that was removed, once it is stopped', async () => {
    rmSync(`${file}-wal`);
    await expect(journal.append([notification({})])).rejects.toThrow(/stop the daemon \(SIGTERM\)/);
    await journal.close();
    journal = openJournal(folder, log);
    expect(await idsIn(folder)).toEqual(ids);
  });

  test.each<[string, () => void]>([
    ['removed', () => rmSync(join(folder, 'daemon.lock'))],
    ['replaced', () => replace(join(folder, 'daemon.lock'))],
  ])('takes its lock anew where that was %s, so that no second daemon gets it', async (_what, happens) => {
    happens();
    await until(() => logged.join('').includes(messages.lockReplaced), { what: 'the look' });
    expect(() => acquireLock(folder)).toThrow(/in use by another kazoo-relay/);
    expect(await journal.append([notification({})])).toHaveLength(1);
  });

  test('takes nothing once another daemon has the lock', async () => {
    rmSync(join(folder, 'daemon.lock'));
    const other = acquireLock(folder);
    await expect(journal.append([notification({})])).rejects.toThrow(/in use by another kazoo-relay/);
    other.release();
    expect(await journal.append([notification({})])).toHaveLength(1);
  });
});

describe('a write-ahead log that can’t be brought into the journal', () => {
  test('because somebody reads for long is told once, and once more when it is over', async () => {
    const reader = new DatabaseSync(file, { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM notifications');
    const json = JSON.stringify({ filler: 'x'.repeat(1_000_000) });
    for (let count = 0; count < 20; count += 1) await journal.append([notification({ json })]);
    await until(() => told(messages.walGrows).length > 0, { what: 'the warning' });
    expect(logged.join('')).toContain('a program has been reading the journal for long');
    reader.close();
    await until(() => told(messages.walShrinks).length > 0, { what: 'its end' });
    expect(told(messages.walGrows)).toHaveLength(1);
  });

  test('because the disk fails is told with the reason', () => {
    // A disk that takes the log and not the file can't be made here.
    const failing = {
      prepare: () => ({
        get() {
          throw new Error('disk I/O error');
        },
      }),
    };
    const checkpoints = new Checkpoints(failing as unknown as DatabaseSync, log);
    for (let look = 0; look < 20; look += 1) checkpoints.look();
    expect(told(messages.walGrows)).toHaveLength(1);
    expect(logged.join('')).toContain('disk I/O error');
  });
});

function copyOf(path: string): string {
  copyFileSync(path, `${path}.copy`);
  return `${path}.copy`;
}

/** Does what the message says. */
async function copyBack(): Promise<void> {
  const trouble = journal.trouble ?? '';
  for (const [, made = ''] of trouble.matchAll(/mkdir -m 700 (\S+)/g)) mkdirSync(made);
  const copies = [...trouble.matchAll(/cp (\/proc\/\d+\/fd\/\d+) (\S+?)(?= &&|;)/g)];
  expect(copies.length).toBeGreaterThan(0);
  for (const [, from = '', to = ''] of copies) {
    expect(statSync(from).isFile()).toBe(true);
    copyFileSync(from, to);
  }
}

async function idsIn(path: string): Promise<string[]> {
  const reader = openJournalReader(path);
  const found = await reader.find({ after: 0, limit: 100 });
  await reader.close();
  return found.map(({ header }) => header.id);
}
