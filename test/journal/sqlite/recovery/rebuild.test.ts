import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../../../src/common/messages.ts';
import type { Journal } from '../../../../src/journal/journal.ts';
import { openJournal } from '../../../../src/journal/sqlite/journal.ts';
import { openOperatorStore } from '../../../../src/journal/sqlite/operator-store.ts';
import { openJournalReader } from '../../../../src/journal/sqlite/reader.ts';
import { rebuildJournal } from '../../../../src/journal/sqlite/recovery/rebuild.ts';
import { interestOf } from '../../../../src/routes/match.ts';
import { overwrite, pagesOf, rowsIn } from '../../../support/journal-file.ts';
import { notification } from '../../../support/notification.ts';
import { sessionOf, settle } from '../../../support/sessions.ts';

const count = 3_000;
const advice = /journal\.sqlite is damaged \(.*\): start the daemon with "kazoo-relay run --rebuild"/;
let folder: string;
let file: string;
let ids: string[];
let logged: string[];
const log = pino({ level: 'info', base: null }, { write: (line: string) => void logged.push(line) });

/** Two routes: one has settled all but a few, which are listed; the other is half way. */
beforeEach(async () => {
  logged = [];
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-rebuild-'));
  file = join(folder, 'journal.sqlite');
  const journal = openJournal(folder, log);
  const text = 'x'.repeat(600);
  const batch = Array.from({ length: count }, (_, n) => notification({ json: JSON.stringify({ n, text }) }));
  ids = batch.map(({ header }) => header.id);
  await journal.append(batch);
  const listed = Array.from({ length: 100 }, (_, index) => ({
    ...{
      seq: 20 * index + 1,
      event: null,
      accountId: null,
      state: 'waiting' as const,
      reason: 'r'.repeat(500),
      attempts: [],
    },
    dueAt: 5,
    exists: false,
  }));
  await settle(journal, 'done', { cursor: count, recorded: listed });
  await settle(journal, 'half', { cursor: count / 2 });
  await remember(journal);
  await journal.close();
});

/** What a journal knows beside entries and routes, in rows that could be taken for theirs. */
async function remember(journal: Journal): Promise<void> {
  for (let place = 1; place < count; place += 10) {
    const one = { seq: place, restartedAt: 0, event: 'low_balance', code: 200, attempts: 2 };
    const delivered = [{ code: 'ok', places: [place, place + 2, place + 4, place + 4], events: new Map([['e', 4]]) }];
    await settle(journal, 'log', { cursor: place + 9, settled: [one], delivered });
  }
  await journal.openRoute('log', 'now', 'deliver', { events: ['e'] });
  for (const broker of ['mq1', 'mq2']) journal.brokerAway({ zone: 'west', broker }, 1, 'away', 'ECONNREFUSED');
  await journal.releaseRoute('log');
}

afterEach(() => rmSync(folder, { recursive: true }));

describe('a journal', () => {
  test('that is cut off is refused with a message that says what to do; then what is left is saved', async () => {
    truncateSync(file, Math.round(statSync(file).size * 0.9));
    expect(() => openJournal(folder, log)).toThrow(advice);
    expect(() => openJournalReader(folder)).toThrow(advice);
    const { saved } = rebuild();
    expect(saved).toBeGreaterThan(count * 0.8);
    const left = await entries();
    expect(left).toEqual(ids.filter((id) => left.includes(id)));
  });

  test.each([
    ['header is gone', 100],
    ['first page is gone', 4_096],
  ])('whose %s is refused likewise; then all of it is saved', async (_what, bytes) => {
    overwrite(file, 0, bytes);
    expect(() => openJournal(folder, log)).toThrow(advice);
    expect(() => openJournalReader(folder)).toThrow(advice);
    expect(rebuild()).toMatchObject({ saved: count, lost: 0 });
    expect(await entries()).toEqual(ids);
    expect(cursors()).toEqual({ done: count, half: count / 2, log: count });
    expect(listed()).toHaveLength(100);
  });

  test.each([
    ['application id', 68],
    ['version', 60],
  ])('whose %s alone was overwritten is still known as one', async (_what, position) => {
    overwrite(file, position, Buffer.alloc(4));
    expect(() => openJournal(folder, log)).toThrow(advice);
    expect(rebuild()).toMatchObject({ saved: count, lost: 0 });
    expect(await entries()).toEqual(ids);
  });

  test('that lacks some pages keeps the rest, in its places', async () => {
    const pages = pagesOf(file, 'notifications', 'leaf');
    for (const page of [0, 50, 51, 52, 200]) overwritePage(pages[page] ?? 0);
    await expectDamageIsMet();
    const { saved, lost } = rebuild();
    expect(saved + lost).toBe(count);
    expect(lost).toBeGreaterThan(5);
    expect(lost).toBeLessThan(60);
    const left = await entries();
    expect(left).toEqual(ids.filter((id) => left.includes(id)));
    expect(cursors()).toEqual({ done: count, half: count / 2, log: count });
  });

  test('keeps what operators have decided: which routes are paused, and who has done what', async () => {
    const store = openOperatorStore(folder);
    const act = store.act({ who: 'ann', from: 'desk' }, { route: 'half' });
    await act.pause('half');
    await act.begin('replay');
    await store.close();
    const before = rowsIn(file, 'SELECT * FROM audit');
    for (const page of pagesOf(file, 'block_events_by_event')) overwritePage(page);
    rebuild();
    expect(rowsIn(file, 'SELECT route, who FROM paused')).toEqual([{ route: 'half', who: 'ann' }]);
    expect(rowsIn(file, 'SELECT * FROM audit')).toEqual(before);
  });

  test('that lacks an index loses nothing', async () => {
    for (const page of pagesOf(file, 'block_events_by_event')) overwritePage(page);
    expect(rebuild()).toMatchObject({ saved: count, lost: 0 });
    expect(listed()).toHaveLength(100);
  });

  test('whose cursors are gone delivers all of it again, for the routes of the configuration too', () => {
    for (const page of pagesOf(file, 'routes')) overwritePage(page);
    rebuild(['done', 'other']);
    expect(cursors()).toEqual({ done: 0, other: 0 });
    expect(logged.join('')).toContain(messages.positionsLost);
  });

  test('whose lists of what waits are damaged has it wait again', () => {
    const [page = 0] = pagesOf(file, 'deliveries', 'leaf');
    const before = listed();
    overwritePage(page);
    rebuild();
    expect(listed().map(({ seq }) => seq)).toEqual(before.map(({ seq }) => seq));
    expect(listed().filter(({ reason }) => reason === 'its line was damaged').length).toBeGreaterThan(0);
    expect(cursors()).toEqual({ done: count, half: count / 2, log: count });
  });

  test('whose lists of what waits are gone altogether has every route begin anew', () => {
    for (const table of ['deliveries', 'sqlite_autoindex_deliveries_1'])
      for (const page of pagesOf(file, table)) overwritePage(page);
    rebuild();
    expect(cursors()).toEqual({ done: 0, half: 0, log: 0 });
  });

  test('with a value that was overwritten, which SQLite can’t see, is damaged too', async () => {
    const database = new DatabaseSync(file);
    database.exec(`UPDATE notifications SET data = replace(data, '"n"', 'n') WHERE seq = 7`);
    database.close();
    expect(rebuild()).toMatchObject({ saved: count - 1, lost: 1 });
    expect(await entries()).toEqual(ids.toSpliced(6, 1));
  });

  test.each([
    ['is JSON no more', `replace(head, '"west"', 'west')`],
    ['lacks something', `replace(head, '"west",', '')`],
    ['has another state', `replace(head, '"valid"', '"vxlid"')`],
  ])('with a notification of which what is known %s is damaged too, whoever reads it', async (_what, broken) => {
    const database = new DatabaseSync(file);
    const { changes } = database.prepare(`UPDATE notifications SET head = ${broken} WHERE seq = 7`).run();
    database.close();
    expect(changes).toBe(1);
    const journal = openJournalReader(folder);
    await expect(journal.find({ after: 0, limit: count })).rejects.toThrow(advice);
    await journal.close();
    expect(rebuild()).toMatchObject({ saved: count - 1, lost: 1 });
    expect(await entries()).toEqual(ids.toSpliced(6, 1));
  });

  test('with a head that is no JSON is damaged for those who look for events, too', async () => {
    const database = new DatabaseSync(file);
    database.exec(`UPDATE notifications SET head = replace(head, '"west"', 'west') WHERE seq = 7`);
    database.close();
    const journal = openJournalReader(folder);
    await expect(journal.find({ after: 0, events: ['none'], limit: 1 })).rejects.toThrow(advice);
    await journal.close();
  });

  test('that is no database any more is kept aside, and a new one begins', async () => {
    writeFileSync(file, randomBytes(50_000));
    expect(rebuild()).toMatchObject({ saved: 0 });
    expect(await entries()).toEqual([]);
    expect(cursors()).toEqual({ done: 0 });
  });

  test('damaged anywhere gives only what was in it, counts the rest, and works again', async () => {
    copyFileSync(file, `${file}.whole`);
    const size = statSync(file).size;
    for (let round = 0; round < 6; round += 1) {
      copyFileSync(`${file}.whole`, file);
      const places = Array.from({ length: 1 + round }, () => Math.floor(Math.random() * size));
      for (const place of places)
        overwrite(file, place, Math.min(size - place, 16 + Math.floor(Math.random() * 9_000)));
      if (round % 3 === 0) truncateSync(file, Math.floor(size * (0.5 + Math.random() / 2)));
      logged = [];
      rebuild();
      const left = await entries();
      expect(left).toEqual(ids.filter((id) => left.includes(id)));
      const journal = openJournal(folder, log);
      expect(await journal.append([notification({})])).toHaveLength(1);
      await journal.close();
    }
  });
});

describe('what stands beside a damaged journal', () => {
  test('its write-ahead log is saved with it', async () => {
    const more = await leaveWriteAheadLog();
    // The log has a new first page; this one it doesn't have.
    overwritePage(pagesOf(file, 'notifications', 'leaf')[50] ?? 0);
    const { saved, lost } = rebuild();
    expect(saved + lost).toBe(count + more.length);
    const left = await entries();
    expect(left).toEqual([...ids.filter((id) => left.includes(id)), ...more]);
  });

  test('without its main file, the log is not thrown away as if it were an old one', async () => {
    const more = await leaveWriteAheadLog();
    const size = statSync(`${file}-wal`).size;
    rmSync(file);
    expect(() => openJournal(folder, log)).toThrow(advice);
    expect(() => openJournalReader(folder)).toThrow();
    expect(statSync(`${file}-wal`).size).toBe(size);
    rebuild();
    const found = new Set(await entries());
    expect(more.filter((id) => !found.has(id))).toEqual([]);
    const [aside = ''] = readdirSync(folder).filter((name) => /damaged-.*-wal$/.test(name));
    expect(statSync(join(folder, aside)).size).toBe(size);
  });
});

describe('rebuilding', () => {
  test('a healthy journal changes nothing, and says so; neither does it where there is none', async () => {
    rebuildJournal(folder, ['done'], log);
    expect(logged.join('')).toContain('the journal is healthy; there is nothing to rebuild');
    expect(await entries()).toEqual(ids);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    rebuildJournal(folder, ['done'], log);
    expect(readdirSync(folder)).toEqual(['daemon.lock']);
  });

  test('keeps the damaged file as it was', () => {
    overwrite(file, 0, 100);
    const { size } = statSync(file);
    rebuild();
    const [aside = ''] = readdirSync(folder).filter((name) => name.includes('.damaged-'));
    expect(statSync(join(folder, aside)).size).toBe(size);
    expect(readdirSync(folder).filter((name) => /unfinished|rebuilt|repaired/.test(name))).toEqual([]);
  });

  test('leaves another program’s database alone, and a journal that a daemon has', async () => {
    const journal = openJournal(folder, log);
    expect(() => rebuildJournal(folder, [], log)).toThrow(/in use by another kazoo-relay/);
    await journal.close();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA application_id = 42; ALTER TABLE notifications RENAME TO messages');
    database.close();
    expect(() => rebuildJournal(folder, [], log)).toThrow(/another program/);
    expect(() => openJournal(folder, log)).toThrow(/another program/);
  });

  test('that is interrupted is begun again, or finished where only the names were left to change', async () => {
    overwrite(file, 0, 100);
    copyFileSync(file, `${file}.kept`);
    writeFileSync(`${file}.unfinished`, 'half of a new one');
    rebuild();
    expect(await entries()).toEqual(ids);
    // As if it had ended between two of the last renames.
    renameSync(file, `${file}.rebuilt-now`);
    copyFileSync(`${file}.kept`, file);
    const journal = openJournal(folder, log);
    await journal.close();
    expect(readdirSync(folder)).toContain('journal.sqlite.damaged-now');
    expect(await entries()).toEqual(ids);
  });
});

/** Rebuilds it, and returns how many notifications were saved and lost. */
function rebuild(routes = ['done']): { saved: number; lost: number } {
  rebuildJournal(folder, routes, log);
  const line = logged.map((text) => JSON.parse(text)).findLast(({ notifications }) => notifications !== undefined);
  return line?.notifications;
}

/** Every reading of it until the damage says what to do. */
async function expectDamageIsMet(): Promise<void> {
  const reader = openJournalReader(folder);
  await expect(reader.find({ after: 0, limit: count })).rejects.toThrow(advice);
  await reader.close();
  const journal = openJournal(folder, log);
  const everything = interestOf({ events: [], accounts: [] });
  const reading = sessionOf(journal, 'done').then((session) => session.read(0, count, everything));
  await expect(reading).rejects.toThrow(advice);
  await journal.close();
}

async function entries(): Promise<string[]> {
  const reader = openJournalReader(folder);
  const found = await reader.find({ after: 0, limit: count * 2 });
  await reader.close();
  return found.filter(({ json }) => json.includes('text')).map(({ header }) => header.id);
}

function cursors(): Record<string, number> {
  return Object.fromEntries(rowsIn(file, 'SELECT name, cursor FROM routes').map(({ name, cursor }) => [name, cursor]));
}

function listed(): Record<string, unknown>[] {
  return rowsIn(file, 'SELECT seq, route, reason FROM deliveries ORDER BY seq');
}

function overwritePage(page: number): void {
  overwrite(file, (page - 1) * 4_096, 4_096);
}

/** Leaves the folder as a daemon does that is killed, and returns the ids that only the log has. */
async function leaveWriteAheadLog(): Promise<string[]> {
  const journal = openJournal(folder, log);
  const more = Array.from({ length: 500 }, () => notification({ json: '{"text":"more"}' }));
  await journal.append(more);
  for (const suffix of ['', '-wal']) copyFileSync(file + suffix, `${file}.kept${suffix}`);
  await journal.close();
  for (const suffix of ['', '-wal']) renameSync(`${file}.kept${suffix}`, file + suffix);
  return more.map(({ header }) => header.id);
}
