import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { CountSpan } from '../../../src/journal/reader.ts';
import { countsIn, DeliveryCounts } from '../../../src/journal/sqlite/delivery-counts.ts';
import { migrations } from '../../../src/journal/sqlite/migrations.ts';

const start = Date.UTC(2026, 10, 24, 10);
const minute = 60_000;
const clock = { isTrusted: true, doubt: null };
let database: DatabaseSync;
let counts: DeliveryCounts;

beforeEach(() => {
  jest.useFakeTimers({ now: start });
  clock.isTrusted = true;
  database = new DatabaseSync(':memory:');
  for (const sql of migrations) database.exec(sql);
  counts = new DeliveryCounts(database, clock);
});

afterEach(() => {
  jest.useRealTimers();
  database.close();
});

describe('counts of deliveries', () => {
  test('are due once their minute is over, or the journal is closed, and never where there are none', () => {
    counts.tallies.add('r', 'register', 'delivered');
    expect(counts.isDue).toBe(false);
    jest.setSystemTime(start + minute);
    expect(counts.isDue).toBe(true);
    writeDue();
    expect(counts.isDue).toBe(false);
    counts.tallies.add('r', 'register', 'delivered');
    counts.tallies.closing();
    expect(counts.isDue).toBe(true);
    writeDue();
    expect(counts.isDue).toBe(false);
    expect(countsIn(database, 'hour', 0)).toMatchObject([{ start, delivered: 2, last: start + minute }]);
  });

  test.each<[CountSpan, number, number]>([
    ['minute', minute, 60],
    ['hour', 60 * minute, 48],
    ['day', 1_440 * minute, 400],
  ])('are kept of a span of a %s for so many of them', (per, span, kept) => {
    const day = Date.UTC(2026, 10, 24);
    for (let index = 0; index < kept + 5; index += 1) {
      jest.setSystemTime(day + index * span);
      counts.tallies.add('r', 'register', 'delivered');
      jest.setSystemTime(day + index * span + minute);
      writeDue();
    }
    const left = countsIn(database, per, 0);
    expect(left.length).toBeLessThanOrEqual(kept);
    expect(left.length).toBeGreaterThanOrEqual(kept - 1);
    expect(left.at(-1)?.start).toBe(day + (kept + 4) * span);
  });

  test('are kept while the clock is in doubt', () => {
    count(start);
    clock.isTrusted = false;
    count(start + 500 * 1_440 * minute);
    expect(countsIn(database, 'minute', 0)).toHaveLength(2);
    clock.isTrusted = true;
    count(start + 501 * 1_440 * minute);
    expect(countsIn(database, 'day', 0)).toHaveLength(2);
  });

  test('take the names of events that a broker makes up for one, once there are many', () => {
    for (let index = 0; index < 300; index += 1) counts.tallies.add('r', `event${index}`, 'dead');
    jest.setSystemTime(start + minute);
    writeDue();
    // What was named before a restart is named after it.
    counts = new DeliveryCounts(database, clock);
    for (const event of ['event0', 'event299', 'new']) counts.tallies.add('r', event, 'dead');
    counts.tallies.closing();
    writeDue();
    const rows = countsIn(database, 'day', 0);
    expect(rows).toHaveLength(201);
    expect(rows.find(({ event }) => event === 'other')).toMatchObject({ dead: 102, last: null });
    expect(rows.find(({ event }) => event === 'event0')).toMatchObject({ dead: 2 });
  });
});

function count(at: number): void {
  jest.setSystemTime(at);
  counts.tallies.add('r', 'register', 'delivered');
  jest.setSystemTime(at + minute);
  writeDue();
}

/** As a transaction does it. */
function writeDue(): void {
  if (!counts.isDue) return;
  counts.write();
  counts.written();
}
