import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { rebuildJournal } from '../../src/journal/rebuild.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { overwrite, type PlacedRow, pagesOf, placesOf, rowsIn } from '../support/journal-file.ts';
import { notification } from '../support/notification.ts';

const count = 2_000;
const pageSize = 4_096;
const advice = /journal\.sqlite is damaged \(.*\): start the daemon with "kazoo-relay run --rebuild"/;
const log = pino({ level: 'silent' });

/** A healthy journal, made once: bodies of all sizes, of which some need overflow pages; and where each lies. */
let model: string;
let places: PlacedRow[];
let folder: string;
let file: string;

beforeAll(async () => {
  model = mkdtempSync(join(tmpdir(), 'kazoo-relay-salvage-model-'));
  const journal = openJournal(model, log);
  const sizes = [40, 600, 600, 700, 3_000, 4_000, 20_000];
  const bodies = Array.from({ length: count }, (_, n) =>
    JSON.stringify({ n, text: randomBytes((sizes[n % sizes.length] ?? 0) / 2).toString('hex') }),
  );
  await journal.append(bodies.map((json) => notification({ json })));
  await journal.openRoute('crm', 'earliest');
  const line = { accountId: null, state: 'waiting' as const, reason: 'HTTP 500', attempts: [], dueAt: 5, again: false };
  const listed = Array.from({ length: 400 }, (_, index) => ({ ...line, seq: 2 * index + 1 }));
  journal.settle('crm', { cursor: 1_500, listed, settled: [] });
  await journal.close();
  places = placesOf(join(model, 'journal.sqlite'));
});

afterAll(() => rmSync(model, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-salvage-'));
  file = join(folder, 'journal.sqlite');
  copyFileSync(join(model, 'journal.sqlite'), file);
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('of a damaged journal, every notification is saved whose pages are left', () => {
  test.each([10, 30, 60, 90])('cut off at %i %% of its length', (percent) => {
    const size = Math.round((statSync(file).size * percent) / 100);
    truncateSync(file, size);
    const left = idsWithout((page) => page * pageSize > size);
    expect(left.length).toBeGreaterThan((count * percent) / 100 / 1.5);
    rebuild();
    expect(saved()).toEqual(left);
  });

  test('with pages in its middle overwritten', () => {
    const last = statSync(file).size / pageSize;
    const from = Math.floor(last / 3);
    for (let page = from; page < from + 500; page += 1) overwritePage(page);
    rebuild();
    expect(saved()).toEqual(idsWithout((page) => page >= from && page < from + 500));
  });

  test('without any page that leads to them', () => {
    for (const page of pagesOf(file, 'notifications', 'internal')) overwritePage(page);
    rebuild();
    expect(saved()).toEqual(idsWithout(() => false));
  });

  test('without the first page, and the map of pages behind it', () => {
    overwrite(file, 0, 2 * pageSize);
    rebuild();
    expect(saved()).toEqual(idsWithout(() => false));
    expect(cursors()).toEqual({ crm: 1_500 });
    expect(lines()).toBe(400);
  });

  test('with its number overwritten, so that nobody can tell its place: it comes last', () => {
    const [page = 0] = pagesOf(file, 'notifications', 'leaf');
    const bytes = readFileSync(file).subarray((page - 1) * pageSize, page * pageSize);
    // The first cell: the size of its record in two bytes, its number 1 in one.
    const cell = bytes.readUInt16BE(8);
    expect(bytes[cell + 2]).toBe(1);
    overwrite(file, (page - 1) * pageSize + cell + 2, Buffer.from([100]));
    rebuild();
    const [first = '', ...others] = idsWithout(() => false);
    expect(saved()).toEqual([...others, first]);
  });
});

describe('numbers that were overwritten', () => {
  test('in a chain of overflow pages, which then goes round, cost the notifications on it alone', () => {
    const long = places.filter(({ pages }) => pages.length > 3).slice(0, 50);
    for (const { pages } of long) {
      const [, second = 0, third = 0] = pages;
      const number = Buffer.alloc(4);
      number.writeUInt32BE(second);
      overwrite(file, (third - 1) * pageSize, number);
    }
    rebuild();
    const lost = new Set(long.map(({ id }) => id));
    expect(saved()).toEqual(idsWithout(() => false).filter((id) => !lost.has(id)));
  });

  test('in the size of a record, which then is larger than any file, cost that one alone', () => {
    const [page = 0] = pagesOf(file, 'notifications', 'leaf').slice(5);
    const bytes = readFileSync(file).subarray((page - 1) * pageSize, page * pageSize);
    const cells = Array.from({ length: bytes.readUInt16BE(3) }, (_, index) => bytes.readUInt16BE(8 + 2 * index));
    for (const cell of cells) overwrite(file, (page - 1) * pageSize + cell, Buffer.alloc(8, 0xff));
    rebuild();
    expect(saved()).toEqual(idsWithout((number) => number === page));
  });
});

describe('what was deleted', () => {
  /** As retention and a route do it: the first half of the notifications, and most of what was listed. */
  function remove(): void {
    const database = new DatabaseSync(file);
    database.exec('DELETE FROM notifications WHERE seq <= 1000; DELETE FROM deliveries WHERE seq < 700');
    expect(database.prepare('PRAGMA freelist_count').get()?.freelist_count).toBeGreaterThan(500);
    database.exec('UPDATE routes SET cursor = 2000');
    database.close();
  }

  test.each([
    ['the first page', 1],
    ['the map of pages', 2],
  ])('does not come back, though its pages are still there, without %s', (_what, page) => {
    remove();
    const left = saved();
    overwritePage(page);
    rebuild();
    expect(saved()).toEqual(left);
    expect(lines()).toBe(0);
  });
});

describe('the write-ahead log of a damaged journal', () => {
  test('is saved with it: its pages are newer', () => {
    const before = saved();
    const more = leaveLog(3);
    for (const page of pagesOf(join(model, 'journal.sqlite'), 'notifications', 'internal')) overwritePage(page);
    rebuild();
    expect(saved()).toEqual([...before, ...more.flat()]);
    expect(cursors()).toEqual({ crm: 1_503 });
  });

  test('costs what was in it alone, when it is lost', () => {
    leaveLog(3);
    rmSync(`${file}-wal`);
    for (const page of pagesOf(join(model, 'journal.sqlite'), 'notifications', 'internal')) overwritePage(page);
    rebuild();
    expect(saved()).toEqual(idsWithout(() => false));
    expect(cursors()).toEqual({ crm: 1_500 });
  });

  test('without its header is read all the same', () => {
    const more = leaveLog(3);
    overwrite(`${file}-wal`, 0, 32);
    overwrite(file, 0, 100);
    rebuild();
    expect(saved()).toEqual(expect.arrayContaining(more.flat()));
  });

  test('that is broken in the middle is met at the start; what was committed behind is saved, and routes go on from before', () => {
    const more = leaveLog(6);
    const commits = commitsIn(`${file}-wal`);
    const [, , third = 0] = commits;
    overwrite(`${file}-wal`, third + 200, 50);
    expect(() => openJournal(folder, log)).toThrow(advice);
    expect(() => openJournal(folder, log)).toThrow('broken in the middle');
    rebuild();
    // The third commit's last page is lost, but for what a later one has of it.
    expect(saved()).toEqual(expect.arrayContaining([...(more[0] ?? []), ...(more[1] ?? []), ...(more[5] ?? [])]));
    expect(cursors()).toEqual({ crm: 1_502 });
  });

  test('that ends in a transaction half written, as a loss of power leaves it, is healthy', async () => {
    const more = leaveLog(3);
    const last = commitsIn(`${file}-wal`).at(-1) ?? 0;
    overwrite(`${file}-wal`, last - pageSize, 50);
    const journal = openJournal(folder, log);
    await journal.close();
    expect(saved()).toEqual([...idsWithout(() => false), ...more.slice(0, 2).flat()]);
  });
});

/**
 * Appends batches with a commit each, moves the cursor on with each, and leaves the files as a daemon does that is
 * killed.
 */
function leaveLog(batches: number): string[][] {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_autocheckpoint = 0');
  const insert = database.prepare(`
    INSERT INTO notifications (id, fingerprint, occurred_at, received_at, head, data)
    VALUES (?, '', 1, 1, '[null,true,null,null,"west",null,"k",false,"valid",[],null,[]]', ?)`);
  const ids = Array.from({ length: batches }, () =>
    Array.from({ length: 30 }, () => {
      const { id } = notification({});
      return id;
    }),
  );
  for (const batch of ids) {
    database.exec('BEGIN');
    for (const id of batch) insert.run(id, JSON.stringify({ text: 'x'.repeat(900) }));
    database.exec('UPDATE routes SET cursor = cursor + 1; COMMIT');
  }
  for (const suffix of ['', '-wal']) copyFileSync(file + suffix, `${file}.kept${suffix}`);
  database.close();
  for (const suffix of ['', '-wal']) {
    copyFileSync(`${file}.kept${suffix}`, file + suffix);
    rmSync(`${file}.kept${suffix}`);
  }
  return ids;
}

/** Where the frames of a log begin that end a transaction. */
function commitsIn(wal: string): number[] {
  const bytes = readFileSync(wal);
  const frames = Array.from({ length: (bytes.length - 32) / (24 + pageSize) }, (_, n) => 32 + n * (24 + pageSize));
  return frames.filter((frame) => bytes.readUInt32BE(frame + 4) > 0);
}

function rebuild(): void {
  rebuildJournal(folder, ['crm'], log);
  const database = new DatabaseSync(file, { readOnly: true });
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  database.close();
}

/** The notifications whose pages are all left, in their order. */
function idsWithout(lost: (page: number) => boolean): string[] {
  return places.filter(({ pages }) => !pages.some(lost)).map(({ id }) => id);
}

function saved(): string[] {
  return rowsIn(file, 'SELECT id FROM notifications ORDER BY seq').map(({ id }) => String(id));
}

function cursors(): Record<string, unknown> {
  return Object.fromEntries(
    rowsIn(file, 'SELECT name, cursor FROM routes').map(({ name, cursor }) => [String(name), cursor]),
  );
}

function lines(): number {
  return rowsIn(file, "SELECT seq FROM deliveries WHERE reason = 'HTTP 500'").length;
}

function overwritePage(page: number): void {
  overwrite(file, (page - 1) * pageSize, pageSize);
}
