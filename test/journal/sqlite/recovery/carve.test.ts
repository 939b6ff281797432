import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pino from 'pino';
import { JournalError } from '../../../../src/journal/journal.ts';
import { openJournal } from '../../../../src/journal/sqlite/journal.ts';
import { carve } from '../../../../src/journal/sqlite/recovery/carve.ts';
import { openPages } from '../../../../src/journal/sqlite/recovery/pages.ts';
import { rebuildJournal } from '../../../../src/journal/sqlite/recovery/rebuild.ts';
import { type Shape, tableShape } from '../../../../src/journal/sqlite/recovery/record.ts';
import { type PlacedRow, placesOf } from '../../../support/journal-file.ts';
import { notification } from '../../../support/notification.ts';
import { runs } from '../../../support/runs.ts';

const count = 200;
const pageSize = 4_096;
const log = pino({ level: 'silent' });

let folder: string;
let file: string;
let main: Buffer;
/** What was written after the last checkpoint. */
let wal: Buffer;
let places: PlacedRow[];
let shape: Shape;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-carve-'));
  file = join(folder, 'journal.sqlite');
  const sizes = [40, 600, 700, 3_000, 9_000];
  const batch = Array.from({ length: count }, (_, n) =>
    notification({ json: JSON.stringify({ text: randomBytes((sizes[n % sizes.length] ?? 0) / 2).toString('hex') }) }),
  );
  const first = openJournal(folder, log);
  await first.append(batch);
  await first.openRoute('crm', 'earliest');
  await first.close();
  places = placesOf(file);
  const database = new DatabaseSync(file);
  shape = tableShape(database, 'notifications');
  database.close();
  main = readFileSync(file);
  const second = openJournal(folder, log);
  for (let n = 0; n < 5; n += 1) await second.append([notification({}), notification({})]);
  wal = readFileSync(`${file}-wal`);
  await second.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Something that happens to a file; positions are parts of its length. */
type Harm =
  | { readonly kind: 'overwrite'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'number'; readonly page: number; readonly at: number; readonly value: number }
  | { readonly kind: 'copy'; readonly page: number; readonly over: number }
  | { readonly kind: 'cut'; readonly at: number };

const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const number = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0xffffffff, 0x7fffffff, 0x81818181));
const harm: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({ kind: fc.constant('overwrite'), at: part, bytes: fc.uint8Array({ minLength: 1, maxLength: 9_000 }) }),
  fc.record({ kind: fc.constant('flip'), at: part, bit: fc.nat({ max: 7 }) }),
  // Numbers that a page begins with say what it is, where its cells are, and which one is the next.
  fc.record({ kind: fc.constant('number'), page: part, at: fc.nat({ max: 40 }), value: number }),
  fc.record({ kind: fc.constant('copy'), page: part, over: part }),
  fc.record({ kind: fc.constant('cut'), at: part }),
);

/** Returns what is left, and tells which bytes were touched. */
function harmed(bytes: Buffer, harms: readonly Harm[], touched: (from: number, to: number) => void): Buffer {
  let left = Buffer.from(bytes);
  const pages = bytes.length / pageSize;
  const write = (at: number, what: Uint8Array) => {
    left.set(what.subarray(0, Math.max(0, left.length - at)), Math.min(at, left.length));
    touched(at, at + what.length);
  };
  for (const one of harms) {
    if (one.kind === 'overwrite') write(Math.floor(one.at * bytes.length), one.bytes);
    else if (one.kind === 'flip') {
      const at = Math.floor(one.at * bytes.length);
      write(at, Uint8Array.of((left[at] ?? 0) ^ (1 << one.bit)));
    } else if (one.kind === 'number') {
      const value = Buffer.alloc(4);
      value.writeUInt32BE(one.value);
      write(Math.floor(one.page * pages) * pageSize + one.at, value);
    } else if (one.kind === 'copy') {
      const from = Math.floor(one.page * pages) * pageSize;
      write(Math.floor(one.over * pages) * pageSize, left.subarray(from, from + pageSize));
    } else {
      left = left.subarray(0, Math.floor(one.at * left.length));
      touched(left.length, bytes.length);
    }
  }
  return left;
}

test('a log whose header is lost names no page that there can’t be', () => {
  writeFileSync(file, main);
  // The header, and one frame, which nothing vouches for: it says which page it is, and how many there are.
  const left = Buffer.from(wal.subarray(0, 32 + 24 + pageSize));
  left.fill(0, 0, 32);
  left.writeUInt32BE(0x0fffffff, 32);
  left.writeUInt32BE(0x0fffffff, 36);
  writeFileSync(`${file}-wal`, left);
  const { pages, inLog, close } = openPages(file);
  close();
  expect([pages.count, inLog.size]).toEqual([main.length / pageSize, 0]);
});

describe('whatever was done to a journal’s file', () => {
  test('every notification is found whose pages weren’t touched', () => {
    fc.assert(
      fc.property(fc.array(harm, { minLength: 1, maxLength: 8 }), (harms) => {
        const lost = new Set<number>();
        const left = harmed(main, harms, (from, to) => {
          for (let page = Math.floor(from / pageSize); page * pageSize < to; page += 1) lost.add(page + 1);
        });
        // Without the first two pages it can be told what is in use only in part: they are another test's.
        for (const page of [1, 2])
          if (lost.has(page)) main.copy(left, (page - 1) * pageSize, (page - 1) * pageSize, page * pageSize);
        writeFileSync(file, left);
        rmSync(`${file}-wal`, { force: true });
        const found = new Set(carved());
        for (const { id, pages } of places) if (!pages.some((page) => lost.has(page))) expect(found).toContain(id);
      }),
      runs(300),
    );
  });

  test('and to its log, it is rebuilt, or nothing was wrong; and it works again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(harm, { maxLength: 6 }), fc.array(harm, { maxLength: 6 }), async (harms, logHarms) => {
        for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
        writeFileSync(
          file,
          harmed(main, harms, () => {}),
        );
        writeFileSync(
          `${file}-wal`,
          harmed(wal, logHarms, () => {}),
        );
        try {
          rebuildJournal(folder, ['crm'], log);
        } catch (error) {
          // Where its version was overwritten.
          expect(error).toBeInstanceOf(JournalError);
          expect(String(error)).toMatch(/newer kazoo-relay/);
          return;
        }
        const journal = openJournal(folder, log);
        expect(await journal.append([notification({})])).toHaveLength(1);
        await journal.close();
      }),
      runs(20),
    );
  });
});

function carved(): string[] {
  const old = openPages(file);
  try {
    const numbers = Array.from({ length: old.pages.count }, (_, index) => index + 1);
    return [...carve(old.pages, numbers, [shape])].map(([, { values }]) => String(values[1]));
  } finally {
    old.close();
  }
}
