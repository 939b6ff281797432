import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { openJournal } from '../../../../src/journal/sqlite/journal.ts';
import { rebuildJournal } from '../../../../src/journal/sqlite/recovery/rebuild.ts';
import { overwrite, type PlacedRow, pagesOf, placesOf, rowsIn } from '../../../support/journal-file.ts';
import { notification } from '../../../support/notification.ts';
import { settle } from '../../../support/sessions.ts';

const count = 2_000;
const pageSize = 4_096;
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
  const line = {
    event: null,
    accountId: null,
    state: 'waiting' as const,
    reason: 'HTTP 500',
    attempts: [],
    dueAt: 5,
    exists: false,
  };
  const listed = Array.from({ length: 400 }, (_, index) => ({ ...line, seq: 2 * index + 1 }));
  await settle(journal, 'crm', { cursor: 1_500, recorded: listed });
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
    // Of the page in which it is cut, the first part may hold all that a notification has there.
    const possible = new Set(idsWithout((page) => (page - 1) * pageSize >= size));
    expect(left.length).toBeGreaterThan((count * percent) / 100 / 1.5);
    rebuild();
    const found = saved();
    expect(missingFrom(found, left)).toEqual([]);
    expect(found.filter((id) => !possible.has(id))).toEqual([]);
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
    expect(missingFrom(saved(), more.flat())).toEqual([]);
  });

  test.each([
    { failed: [200, 60], committed: 5 },
    { failed: [60], committed: 59 },
    { failed: [300, 200, 100, 50], committed: 10 },
  ])(
    'that has more behind its last commit, as commits that fail leave it ($failed), proves nothing by it',
    async ({ failed, committed }) => {
      const before = saved();
      const taken = leaveFailures(failed, committed);
      expect(commitsIn(`${file}-wal`).length).toBeGreaterThan(failed.length);
      const left = [...before, ...taken];
      const files = ['', '-wal'].map((suffix) => [file + suffix, readFileSync(file + suffix)] as const);
      const putBack = () => {
        rmSync(`${file}-shm`, { force: true });
        for (const [path, bytes] of files) writeFileSync(path, bytes);
      };
      const journal = openJournal(folder, log);
      await journal.close();
      expect(saved()).toEqual(left);

      putBack();
      expect(rebuild()).toBeUndefined();
      expect(saved()).toEqual(left);

      putBack();
      for (const page of pagesOf(join(model, 'journal.sqlite'), 'notifications', 'internal')) overwritePage(page);
      expect(rebuild()).toMatchObject({ notifications: { saved: left.length, lost: 0 } });
      expect(saved()).toEqual(left);
    },
  );

  test('that ends in a transaction half written, as a loss of power leaves it, is healthy', async () => {
    const more = leaveLog(3);
    const last = commitsIn(`${file}-wal`).at(-1) ?? 0;
    overwrite(`${file}-wal`, last - pageSize, 50);
    const journal = openJournal(folder, log);
    await journal.close();
    expect(saved()).toEqual([...idsWithout(() => false), ...more.slice(0, 2).flat()]);
  });

  test('gives nothing of a transaction that lacks its end, whole as its pages are', () => {
    const before = saved();
    const [first = []] = leaveLog(2);
    const [, last = 0] = commitsIn(`${file}-wal`).slice(-2);
    truncateSync(`${file}-wal`, last);
    for (const page of pagesOf(join(model, 'journal.sqlite'), 'notifications', 'internal')) overwritePage(page);
    expect(rebuild()).toMatchObject({ notifications: { saved: before.length + first.length, lost: 0 } });
    expect(saved()).toEqual([...before, ...first]);
  });
});

/**
 * Appends batches with a commit each, moves the cursor on with each, and leaves the files as a daemon does that is
 * killed.
 */
function leaveLog(batches: number, rows = 30): string[][] {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_autocheckpoint = 0');
  const insert = database.prepare(`
    INSERT INTO notifications (id, fingerprint, occurred_at, received_at, head, data)
    VALUES (?, '', 1, 1, '[null,true,null,null,"west",null,"k",false,"valid",[],null,[]]', ?)`);
  const ids = Array.from({ length: batches }, () =>
    Array.from({ length: rows }, () => {
      const {
        header: { id },
      } = notification({});
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

/**
 * Leaves a log with a commit, then commits that failed, each of which was written over by the shorter one after it, and
 * last one that didn't fail. Returns the ids of what was committed.
 */
function leaveFailures(failed: readonly number[], committed: number): string[] {
  const [first = []] = leaveLog(1);
  const base = ['', '-wal'].map((suffix) => readFileSync(file + suffix));
  let log = Buffer.alloc(0);
  let last: string[] = [];
  for (const rows of [...failed, committed]) {
    for (const [index, suffix] of ['', '-wal'].entries()) writeFileSync(file + suffix, base[index] ?? '');
    [last = []] = leaveLog(1, rows);
    const written = readFileSync(`${file}-wal`);
    log = Buffer.concat([written, log.subarray(written.length)]);
  }
  writeFileSync(`${file}-wal`, log);
  return [...first, ...last];
}

/** Where the frames of a log begin that end a transaction. */
function commitsIn(wal: string): number[] {
  const bytes = readFileSync(wal);
  const frames = Array.from({ length: (bytes.length - 32) / (24 + pageSize) }, (_, n) => 32 + n * (24 + pageSize));
  return frames.filter((frame) => bytes.readUInt32BE(frame + 4) > 0);
}

/** Rebuilds it, and returns what it told of that; undefined where there was nothing to rebuild. */
function rebuild(): object | undefined {
  const told: { notifications?: object }[] = [];
  const log = pino({ base: null }, { write: (line: string) => void told.push(JSON.parse(line)) });
  rebuildJournal(folder, ['crm'], log);
  const database = new DatabaseSync(file, { readOnly: true });
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  database.close();
  return told.find(({ notifications }) => notifications !== undefined);
}

/** The notifications whose pages are all left, in their order. */
function idsWithout(lost: (page: number) => boolean): string[] {
  return places.filter(({ pages }) => !pages.some(lost)).map(({ id }) => id);
}

function saved(): string[] {
  return rowsIn(file, 'SELECT id FROM notifications ORDER BY seq').map(({ id }) => String(id));
}

/** Those that should be among them and aren't; jest's own way takes seconds for thousands. */
function missingFrom(found: readonly string[], wanted: readonly string[]): string[] {
  const all = new Set(found);
  return wanted.filter((id) => !all.has(id));
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
