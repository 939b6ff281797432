import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pino, { type Logger } from 'pino';
import { messages } from '../../../src/common/messages.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { Recorded } from '../../../src/journal/route-session.ts';
import { Eviction } from '../../../src/journal/sqlite/invalid.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { openOperatorStore } from '../../../src/journal/sqlite/operator-store.ts';
import { rebuildJournal } from '../../../src/journal/sqlite/recovery/rebuild.ts';
import { unlimited } from '../../../src/journal/sqlite/retention.ts';
import { interestOf } from '../../../src/routes/match.ts';
import { overwrite, rowsIn } from '../../support/journal-file.ts';
import { type NotificationParts, notification } from '../../support/notification.ts';
import { recorded } from '../../support/recorded.ts';
import { cursorOf, sessionOf, settle } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';

const problem = { path: '/a', keyword: 'type', message: 'must be a string' };
const invalid = { state: 'invalid', problems: [problem] } as const;
const undecodable = { state: 'undecodable', event: null, known: false, json: 'null', problems: [problem] } as const;
const limits = { ...unlimited, maxSize: 4 * 1024 * 1024, invalidShare: 0.25 };
/** Ten bodies of so many bytes are about a share. */
const filler = 100_000;

let folder: string;
let journal: Journal;
let logged: Record<string, unknown>[];
let log: Logger;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-invalid-'));
  logged = [];
  log = pino({ level: 'info' }, { write: (text: string) => void logged.push(JSON.parse(text)) });
  journal = openJournal(folder, log, limits);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await journal.close();
  rmSync(folder, { recursive: true });
});

describe('the list of undecodable and invalid notifications', () => {
  test('has each of them in the order in which they make way, with the bytes that it takes', async () => {
    const body = JSON.stringify({ text: 'ä'.repeat(500) });
    await journal.append([
      notification({}),
      notification({ ...invalid, known: true, json: body }),
      notification({ ...invalid, known: false, json: body }),
      notification({ ...undecodable, raw: Buffer.alloc(700) }),
    ]);
    expect(listed()).toMatchObject([
      { rank: 0, seq: 4, body: 704 },
      { rank: 1, seq: 3, body: 1011 },
      { rank: 2, seq: 2, body: 1011 },
    ]);
  });

  test('and its sum follow whatever becomes of them', async () => {
    const now = { receivedAt: Date.now() };
    const twice = notification({ ...invalid, ...now });
    await journal.append([notification(invalid), twice, notification({ ...undecodable, ...now })]);
    await journal.append([twice, notification(now), notification({ ...invalid, ...now })]);
    expect(seqs()).toEqual([3, 1, 2, 5]);
    const store = openOperatorStore(folder);
    await store.saveValidation(2, 'valid', []);
    await store.saveValidation(4, 'invalid', [problem]);
    await store.saveValidation(5, 'invalid', [problem, problem]);
    await store.close();
    expect(seqs()).toEqual([3, 1, 4, 5]);
    await journal.openRoute('r', 'now');
    journal.limit({ ...unlimited, retention: 86_400_000 });
    await until(() => seqs()[1] !== 1, { what: 'the old one to be removed', timeout: 20_000 });
    expect(seqs()).toEqual([3, 4, 5]);
  });

  test('is made anew with a journal that is rebuilt', async () => {
    await journal.append([notification({}), notification(invalid), notification(undecodable)]);
    const before = listed();
    await journal.close();
    const file = join(folder, 'journal.sqlite');
    // Its version, and whose it is.
    overwrite(file, 60, Buffer.alloc(12));
    rebuildJournal(folder, [], log);
    journal = openJournal(folder, log);
    expect(listed()).toEqual(before);
  });
});

describe('what is undecodable or invalid', () => {
  test('never stops intake, however much comes: the oldest make way, and it is told how many since when', async () => {
    const start = Date.now();
    await journal.openRoute('r', 'now', 'quarantine');
    const good = notification({});
    await journal.append([good]);
    // As bodies that unpack to a thousand times as much; and as ones of nothing, which take room all the same.
    for (let count = 0; count < 200; count += 1) await journal.append([notification(large(invalid))]);
    for (let count = 0; count < 40; count += 1)
      await journal.append(Array.from({ length: 250 }, () => notification({ ...undecodable, raw: Buffer.alloc(0) })));
    await until(() => bytes() <= limits.maxSize / 4, { what: 'the share to be kept' });
    await until(() => warnings(messages.shareFull).length > 0, { what: 'the warning' });
    const { evicted, invalidBytes, undecodable: left } = await journal.summary();
    expect(evicted.undecodable + left).toBe(10_000);
    expect(evicted.known + kept().length - left).toBe(200);
    expect(evicted.since).toBeGreaterThanOrEqual(start);
    expect(invalidBytes).toBe(bytes());
    expect(warnings(messages.shareHalfFull)).toHaveLength(1);
    expect(warnings(messages.shareFull)).toMatchObject([{ evicted: { known: expect.any(Number) } }]);
    expect((await journal.find({ after: 0, limit: 1 })).map(({ header }) => header.id)).toEqual([good.header.id]);
  });

  test('is told of at half of the share: once, and again after it was clearly less', async () => {
    await journal.append([notification(large(invalid))]);
    using database = new DatabaseSync(join(folder, 'journal.sqlite'));
    const eviction = new Eviction(database, log);
    const toldAt = [0.45, 0.5, 0.6, 0.45, 0.5, 0.35, 0.5].map((part) => {
      eviction.tell(bytes() / part);
      return warnings(messages.shareHalfFull).length;
    });
    expect(toldAt).toEqual([0, 1, 1, 1, 1, 1, 2]);
  });

  test('makes way in its order: undecodable, invalid of unknown events, of known ones; the oldest first', async () => {
    await journal.openRoute('r', 'now', 'quarantine');
    const kinds = [invalid, { ...invalid, known: false }, undecodable];
    for (const kind of [...kinds, ...kinds, ...kinds]) await journal.append([notification(large(kind))]);
    const order = [3, 6, 9, 2, 5, 8, 1, 4, 7];
    expect(kept()).toEqual(order);
    for (let left = 8; left >= 1; left -= 1) {
      journal.limit({ ...limits, invalidShare: ((left + 0.5) * filler) / limits.maxSize });
      await until(() => kept().length === left, { what: `${left} to be left` });
      expect(kept()).toEqual(order.slice(-left));
    }
    expect((await journal.summary()).evicted).toMatchObject({ undecodable: 3, unknown: 3, known: 2 });
    await journal.close();
    journal = openJournal(folder, pino({ level: 'silent' }), limits);
    expect((await journal.summary()).evicted).toMatchObject({ undecodable: 3, unknown: 3, known: 2 });
  });

  test.each<[string, 'goes' | 'stays', NotificationParts, (route: Route) => void]>([
    ['is settled', 'goes', invalid, (route) => route('deliver', 1)],
    ['a route has still to deliver', 'stays', invalid, (route) => route('deliver', 0)],
    ['a route has still to quarantine', 'goes', invalid, (route) => route('quarantine', 0)],
    ['can’t be decoded, wherever routes are', 'goes', undecodable, (route) => route('deliver', 0)],
    ['waits for another try', 'stays', invalid, (route) => route('deliver', 1, 'waiting')],
    ['waits because an operator has retried it', 'stays', invalid, (route) => route('quarantine', 1, 'waiting')],
    ['is quarantined', 'goes', invalid, (route) => route('quarantine', 1, 'quarantined')],
    ['is a dead letter', 'goes', invalid, (route) => route('deliver', 1, 'dead')],
  ])('that %s %s when the share is used up', async (_what, outcome, kind, stand) => {
    await journal.append([notification(large(kind)), notification(large(undecodable))]);
    await stand((decision, cursor, state) =>
      settle(journal, 'r', { cursor, recorded: state === undefined ? [] : [recorded(1, state)] }, decision),
    );
    await journal.openRoute('other', 'earliest', 'quarantine');
    // Both are looked at in the same step.
    journal.limit({ ...limits, invalidShare: 0.001 });
    await until(() => !kept().includes(2), { what: 'the other one to go' });
    expect(kept()).toEqual(outcome === 'stays' ? [1] : []);
    if (outcome === 'goes') expect(read('SELECT seq FROM deliveries')).toEqual([]);
  });

  test('is listed by no route that read it before it made way', async () => {
    const session = await sessionOf(journal, 'r', 'earliest', 'quarantine');
    await journal.append([notification(large(invalid)), notification(large(invalid))]);
    const { entries } = await session.read(session.cursor, 10, interestOf({ events: [], accounts: [] }));
    journal.limit({ ...limits, invalidShare: 0.001 });
    await until(() => kept().length === 0, { what: 'both to go' });
    void session.settle({
      cursor: 2,
      recorded: entries.map(({ seq }) => recorded(seq, 'quarantined')),
      settled: [],
      delivered: [],
    });
    await session.close();
    expect(await cursorOf(journal, 'r', 'earliest')).toBe(2);
    expect(read('SELECT * FROM deliveries')).toEqual([]);
  });

  test('costs what is valid no statement, and a batch of it one to list, one for the sum and one to count', async () => {
    await journal.openRoute('r', 'now', 'quarantine');
    const batch = (parts: NotificationParts) => Array.from({ length: 100 }, () => notification(parts));
    const first = await statementsOf(() => journal.append(batch({})));
    expect(await statementsOf(() => journal.append(batch({})))).toBe(first);
    // The first of its kind has two more: to see whether there is room for that, and to begin to count.
    await journal.append(batch(invalid));
    expect(await statementsOf(() => journal.append(batch(invalid)))).toBe(first + 3);
  });
});

type Route = (invalid: 'quarantine' | 'deliver', cursor: number, state?: Recorded['state']) => Promise<void>;

/** What is listed; and that it is what the notifications say, as the sum is. */
function listed(): Record<string, unknown>[] {
  const rows = read(`
    SELECT rank, seq, bytes, bytes - octet_length(head) - 256 AS body FROM invalid JOIN notifications USING (seq)
    ORDER BY rank, seq`);
  expect(rows.map(({ seq }) => seq).sort()).toEqual(
    read("SELECT seq FROM entries WHERE state <> 'valid' ORDER BY seq").map(({ seq }) => seq),
  );
  const sum = rows.reduce((total, { bytes }) => total + Number(bytes), 0);
  expect(read("SELECT value FROM facts WHERE name = 'invalid_bytes'")).toEqual([{ value: sum }]);
  return rows;
}

function seqs(): unknown[] {
  return listed().map(({ seq }) => seq);
}

/** With a body of about the filler's size, or as much that is kept of it. */
function large(kind: NotificationParts): NotificationParts {
  const receivedAt = Date.now();
  if (kind.state === 'undecodable') return { ...kind, receivedAt, raw: Buffer.alloc(filler) };
  return { ...kind, receivedAt, json: JSON.stringify({ text: 'x'.repeat(filler) }) };
}

/** The places of what is listed, in the order in which it makes way. */
function kept(): unknown[] {
  return read('SELECT seq FROM invalid ORDER BY rank, seq').map(({ seq }) => seq);
}

function bytes(): number {
  return Number(read("SELECT value FROM facts WHERE name = 'invalid_bytes'")[0]?.value);
}

function read(sql: string): Record<string, unknown>[] {
  return rowsIn(join(folder, 'journal.sqlite'), sql);
}

function warnings(part: string): Record<string, unknown>[] {
  return logged.filter(({ msg }) => String(msg).includes(part));
}

/** How many prepared statements are run meanwhile. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const spies = (['run', 'get', 'all'] as const).map((method) => jest.spyOn(StatementSync.prototype, method));
  await work();
  const count = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  jest.restoreAllMocks();
  return count;
}
