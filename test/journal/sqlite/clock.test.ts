import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../../src/common/messages.ts';
import type { Clock, Journal } from '../../../src/journal/journal.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { openOperatorStore } from '../../../src/journal/sqlite/operator-store.ts';
import { unlimited } from '../../../src/journal/sqlite/retention.ts';
import { rowsIn } from '../../support/journal-file.ts';
import { notification } from '../../support/notification.ts';
import { operating } from '../../support/operator.ts';
import { recorded } from '../../support/recorded.ts';
import { settle } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';

const hour = 3_600_000;
const day = 24 * hour;
const limits = { ...unlimited, retention: 30 * day, deadRetention: 90 * day };
const clock = Date.now;
const running = performance.now.bind(performance);
let folder: string;
let journal: Journal;
let logged: string[];
let ran = 0;
const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });

beforeEach(async () => {
  logged = [];
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-clock-'));
  await open();
  await journal.append([notification({}), notification({}), notification({})]);
  await settle(journal, 'r', { cursor: 3, recorded: [recorded(1, 'dead')] });
});

afterEach(async () => {
  Date.now = clock;
  performance.now = running;
  ran = 0;
  await journal.close();
  rmSync(folder, { recursive: true });
});

test('a daemon that did not run for long has left an outage of its own, which ends those of brokers', async () => {
  const outages = async () =>
    (await journal.outages(0, Number.MAX_SAFE_INTEGER)).map(({ zone, since, until }) => [zone, since, until]);
  const begun = Date.now();
  journal.brokerAway({ zone: 'west', broker: 'mq' }, begun - 1_000, 'away', null);
  await restartAt(10_000)();
  const end = expect.closeTo(begun, -4);
  await until(async () => (await outages())[0]?.[2], { what: 'the outage to be over' });
  expect(await outages()).toEqual([['west', begun - 1_000, end]]);
  await restartAt(2 * hour)();
  await until(async () => (await outages()).length === 2, { what: 'the outage of the daemon' });
  expect((await outages())[1]).toEqual(['', expect.closeTo(begun + 10_000, -5), expect.closeTo(begun + 2 * hour, -5)]);
});

describe('a clock that is more than a day beyond the last sign of life', () => {
  test.each<[string, () => Promise<void>]>([
    ['at a start', restartAt(365 * day)],
    ['while the daemon runs', async () => set(365 * day)],
    [
      'at a start after another one',
      async () => {
        await restartAt(365 * day)();
        await journal.append([notification({ receivedAt: Date.now() })]);
        await restartAt(365 * day + hour)();
      },
    ],
  ])('removes nothing for its age (%s), and is told', async (_when, happens) => {
    await happens();
    await looks();
    expect(await count()).toBeGreaterThanOrEqual(3);
    expect(deadLetters()).toBe(1);
    expect(journal.clock.isTrusted).toBe(false);
    expect(journal.clock.doubt).toMatchObject({ lastSign: expect.closeTo(clock(), -4) });
    expect(logged.join('')).toContain(messages.clockDoubted);
  });

  test.each([
    ['less than a day', 23 * hour],
    ['back', -365 * day],
  ])('is not one that is %s', async (_what, by) => {
    await restartAt(by)();
    expect(state()).toEqual({ isTrusted: true, doubt: null });
  });

  test('is believed after 24 hours of running, across restarts', async () => {
    await restartAt(365 * day)();
    run(10 * hour);
    await until(() => (stored('clock_doubted_for') ?? 0) < 15 * hour, { what: 'what has run to be kept' });
    await restartAt(365 * day + 10 * hour)();
    run(13 * hour);
    expect(journal.clock.isTrusted).toBe(false);
    run(2 * hour);
    expect(state()).toEqual({ isTrusted: true, doubt: null });
    await until(() => stored('clock_doubted_for') === null, { what: 'that to be kept' });
    await restartAt(365 * day + 25 * hour)();
    expect(journal.clock.isTrusted).toBe(true);
  });

  test.each([
    ['beside the daemon', true, true],
    ['before a start', false, false],
    ['after a start that doubted it', true, false],
  ])('is believed once an operator accepts it, %s', async (_when, isDoubted, isRunning) => {
    if (isDoubted) await restartAt(365 * day)();
    if (!isRunning) await journal.close();
    set(365 * day);
    const store = operating(openOperatorStore(folder));
    expect(await store.clockDoubt()).toEqual(expect.closeTo(clock(), -4));
    await store.acceptClock();
    expect(await store.clockDoubt()).toBeNull();
    await store.close();
    if (isRunning) {
      await until(() => journal.clock.isTrusted, { what: 'the daemon to notice' });
      return;
    }
    logged = [];
    await open();
    expect(journal.clock.isTrusted).toBe(true);
    expect(logged.join('')).not.toContain(messages.clockDoubted);
    await journal.openRoute('r', 'earliest');
    await until(async () => (await count()) === 0 && deadLetters() === 0, { what: 'what is old to go' });
  });

  test('is believed at once when it is set right, whatever came in meanwhile', async () => {
    await restartAt(365 * day)();
    await journal.append([notification({ receivedAt: Date.now() })]);
    set(0);
    expect(state()).toEqual({ isTrusted: true, doubt: null });
    set(2 * day);
    expect(journal.clock.doubt).not.toBeNull();
  });

  test('is known by the last entry where a journal has no sign of life yet', async () => {
    await journal.close();
    const database = new DatabaseSync(join(folder, 'journal.sqlite'));
    database.exec("DELETE FROM facts WHERE name = 'last_sign_of_life'");
    database.close();
    set(365 * day);
    await open();
    expect(journal.clock.isTrusted).toBe(false);
  });
});

describe('a sign of life', () => {
  test('is written with what is written anyway, once a minute at most, and where nothing is', async () => {
    const first = stored('last_sign_of_life') ?? 0;
    await journal.append([notification({})]);
    expect(stored('last_sign_of_life')).toBe(first);
    set(hour / 2);
    run(hour / 2);
    await journal.append([notification({})]);
    const second = stored('last_sign_of_life') ?? 0;
    expect(second - first).toBeGreaterThanOrEqual(hour / 2);
    set(hour);
    run(hour / 2);
    await until(() => (stored('last_sign_of_life') ?? 0) - second >= hour / 2, { what: 'a sign of life by itself' });
  });
});

test('a clock that jumps by less than a day is not trusted for an hour', async () => {
  expect(journal.clock.isTrusted).toBe(true);
  set(2 * hour);
  expect(state()).toEqual({ isTrusted: false, doubt: null });
  expect(logged.join('')).toContain('the clock has jumped; retention pauses for an hour');
  set(3 * hour);
  run(hour + 1);
  expect(journal.clock.isTrusted).toBe(true);
});

async function open(): Promise<void> {
  journal = openJournal(folder, log, limits, { lookEvery: 20 });
}

function state(): Clock {
  const { isTrusted, doubt } = journal.clock;
  return { isTrusted, doubt };
}

/** The clock says as much more than it should. */
function set(by: number): void {
  Date.now = () => clock() + by;
}

/** As if the daemon had run for so long. */
function run(milliseconds: number): void {
  ran += milliseconds;
  const since = ran;
  performance.now = () => running() + since;
}

function restartAt(by: number): () => Promise<void> {
  return async () => {
    await journal.close();
    set(by);
    await open();
    await journal.openRoute('r', 'earliest');
  };
}

/** Retention and the clock have looked at least once. */
async function looks(): Promise<void> {
  await until(() => stored('clock_doubted_for') !== null, { what: 'the doubt in the journal' });
}

function stored(fact: string): number | null {
  const [row] = rowsIn(join(folder, 'journal.sqlite'), `SELECT value FROM facts WHERE name = '${fact}'`);
  return row === undefined ? null : Number(row.value);
}

async function count(): Promise<number> {
  return (await journal.find({ after: 0, limit: 100 })).length;
}

function deadLetters(): number {
  return rowsIn(join(folder, 'journal.sqlite'), 'SELECT 1 FROM deliveries').length;
}
