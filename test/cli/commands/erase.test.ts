import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pino from 'pino';
import type { Journal } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import { cli, type Result } from '../../support/cli.ts';
import { configFolder } from '../../support/config-folder.ts';
import { openJournal } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { type Operating, operating } from '../../support/operator.ts';
import { recorded, untouched } from '../../support/recorded.ts';
import { runs } from '../../support/runs.ts';
import { sessionOf, settle } from '../../support/sessions.ts';

const folder = configFolder();
const log = pino({ level: 'silent' });
const erased = '4f1c2e3d5b6a79880123456789abcdef';
const kept = '0a0b0c0d0e0f10111213141516171819';
let config: string;
let journal: Journal;

beforeEach(async () => {
  config = folder.write(
    'relay.yaml',
    `brokers: [{ zone: west, url: 'amqp://127.0.0.1:1' }]
journal: { path: FOLDER/journal }
routes:
  archive: { sink: { type: file, path: FOLDER/archive.ndjson } }
`,
  );
  journal = await openJournal(join(folder.path, 'journal'), log, undefined, { lookEvery: 20 });
});

afterEach(() => journal.close());

describe('erase', () => {
  beforeEach(async () => {
    await journal.append([erased, kept, erased, erased, kept].map((accountId, index) => arrived(accountId, index)));
    await settle(journal, 'archive', { cursor: 4, recorded: [recorded(1, 'waiting'), recorded(2, 'dead')] });
    await settle(journal, 'crm', { cursor: 0, recorded: [recorded(3, 'dead'), recorded(4, 'quarantined')] });
  });

  test('says what there is of an account, and what it doesn’t cover, and erases nothing where it is asked for that', async () => {
    const { stdout, code } = await erase('--dry-run', '--utc');
    expect(code).toBe(0);
    expect(stdout).toBe(`the journal holds 3 notifications (received from 2026-11-24T08:00:00.000Z to \
2026-11-24T08:00:03.000Z; deliveries: 1 waiting, 1 quarantined, 1 dead) of the account ${erased}
not covered:
  undecodable notifications, whose account is unknown: 0 (kazoo-relay dead list)
  notifications of other accounts, or of none, that mention this one: 0
  backups and copies of the journal, also the .damaged ones of a rebuild; logs
  what sinks have: archive (file)
`);
    expect(await accounts()).toEqual([erased, kept, erased, erased, kept]);
  });

  test('removes the account beside whoever has the journal, and nothing of another one', async () => {
    expect(await erase()).toMatchObject({ code: 2, stderr: 'kazoo-relay: there is nobody to ask: add --yes\n' });
    expect(await erase('--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('\n3 notifications erased\n'),
    });
    expect(await accounts()).toEqual([kept, kept]);
    expect([inFiles(bodyOf(erased)), inFiles(bodyOf(kept))]).toEqual([false, true]);
    expect((await journal.summary()).routes).toMatchObject([
      { name: 'archive', cursor: 4, waiting: 0, dead: 1 },
      { name: 'crm', cursor: 0, dead: 0, quarantined: 0 },
    ]);
    expect((await erase('--yes')).stdout).toMatch(/^the journal holds nothing of .*\n0 notifications erased\n/);
  });

  test('counts what mentions the account and is not its own, which stays', async () => {
    const undecodable = { state: 'undecodable' as const, accountId: null, json: 'null', problems: [] };
    await journal.append([
      notification({ accountId: kept, json: JSON.stringify({ reseller_id: erased }) }),
      notification({ ...undecodable, raw: Buffer.from(`{"Account-ID":"${erased}"`) }),
    ]);
    const { stdout, code } = await erase('--yes');
    expect(code).toBe(0);
    expect(stdout).toContain('undecodable notifications, whose account is unknown: 1 (');
    expect(stdout).toContain('that mention this one: 2\n');
    expect(await accounts()).toEqual([kept, kept, kept, null]);
  });

  test('lets intake commit between its steps', async () => {
    await journal.append(Array.from({ length: 1_000 }, () => notification({ accountId: erased })));
    let isOver = false;
    const erasing = erase('--yes').then(() => {
      isOver = true;
    });
    let commits = 0;
    for (; !isOver; commits += 1) await Promise.all([journal.append([notification({ accountId: kept })]), nextTurn()]);
    await erasing;
    expect(commits).toBeGreaterThan(10);
    expect(await accounts()).not.toContain(erased);
  });

  test('records nothing more of what a route had with its sink', async () => {
    const session = await sessionOf(journal, 'crm');
    await erase('--yes');
    const failed = { ...recorded(3, 'waiting'), reason: `${erased} was refused` };
    await Promise.all([session.settle({ cursor: 5, recorded: [failed], settled: [], delivered: [] }), session.flush()]);
    expect(inFiles(failed.reason)).toBe(false);
    expect((await journal.summary()).routes).toMatchObject([
      { name: 'archive' },
      { name: 'crm', cursor: 5, waiting: 0 },
    ]);
  });

  test('is an act in the audit, which names the account', async () => {
    await erase('--yes');
    await erase('--yes');
    const { stdout } = await cli(['audit', '--json', '--config', config]);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ act: 'erase', selection: { accounts: [erased] }, count: 3 }]);
  });

  test('takes no route that selects the account for what is left of it', async () => {
    const selection = { accounts: [erased] };
    await (await journal.openRoute('its-own', 'now', 'deliver', selection)).session();
    expect(await erase('--yes')).toMatchObject({ code: 0, stderr: '' });
    expect(inFiles(erased)).toBe(true);
  });

  test('gives no number again that something erased had', async () => {
    const [last] = await journal.append([arrived(erased, 6)]);
    await erase('--yes');
    await journal.close();
    journal = await openJournal(join(folder.path, 'journal'), log);
    const [next] = await journal.append([arrived(kept, 7)]);
    expect(next?.seq).toBeGreaterThan(last?.seq ?? 0);
  });

  test('says so, and ends with 1, where a reader keeps bytes in the write-ahead log', async () => {
    const reader = new DatabaseSync(join(folder.path, 'journal', 'journal.sqlite'), { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM notifications');
    const result = await erase('--yes');
    reader.close();
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('the write-ahead log still has bytes') });
    expect(await erase('--yes')).toMatchObject({ code: 0 });
    expect(inFiles(bodyOf(erased))).toBe(false);
  });

  test('compacts only where no daemon has the journal', async () => {
    expect(await erase('--yes', '--compact')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('stop it first'),
    });
    await journal.close();
    const result = await erase('--yes', '--compact');
    journal = await openJournal(join(folder.path, 'journal'), log);
    expect(result).toMatchObject({ code: 0 });
    expect(await accounts()).toEqual([kept, kept]);
  });

  test('finds what SQLite has left of a moved row in a page that is in use, and --compact removes it', async () => {
    await erase('--yes');
    await journal.close();
    const file = join(folder.path, 'journal', 'journal.sqlite');
    leaveFragment(file, bodyOf(erased));
    expect(inFiles(bodyOf(erased))).toBe(true);
    expect(await erase('--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^the account's id is still in the journal's file \(1 time\), .* with --compact\n$/,
      ),
    });
    expect(await erase('--yes', '--compact')).toMatchObject({ code: 0, stderr: '' });
    expect(inFiles(bodyOf(erased))).toBe(false);
    journal = await openJournal(join(folder.path, 'journal'), log);
    expect(await accounts()).toEqual([kept, kept]);
  });
});

test('after an erasure no byte of the account is in the files, or the command knows of it, whatever had become of it before', async () => {
  const step = fc.record({
    what: fc.constantFrom('arrive', 'retry', 'drop', 'replay', 'fail', 'settle'),
    size: fc.constantFrom(10, 900, 9_000),
    which: fc.nat(50),
  });
  const store = operating(await storeAt({ path: join(folder.path, 'journal') }).openOperatorStore());
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
      for (const one of steps) await happen(one, store);
      expect(inFiles(erased)).toBe(true);
      const { remains, isLogEmpty } = await store.erase(erased, false);
      expect({ isLogEmpty, isIn: inFiles(erased) }).toEqual({ isLogEmpty: true, isIn: remains > 0 });
    }),
    runs(5),
  );
  await store.close();
});

interface Step {
  readonly what: string;
  readonly size: number;
  readonly which: number;
}

async function happen({ what, size, which }: Step, store: Operating): Promise<void> {
  const batch = [erased, kept, erased].map((accountId, index) => arrived(accountId, index, size));
  const entries = await journal.append(batch);
  const records = await store.records({ states: ['waiting', 'dead', 'quarantined'] }, 0, 100);
  const record = records[which % Math.max(1, records.length)];
  const cursor = entries.at(-1)?.seq ?? 0;
  const fails = entries.map((entry) => ({
    ...recorded(entry.seq, which % 2 === 0 ? ('dead' as const) : ('waiting' as const)),
    accountId: entry.header.accountId,
    reason: `${entry.header.accountId}: ${'x'.repeat(size % 500)}`,
  }));
  if (what === 'fail') await settle(journal, 'archive', { cursor, recorded: fails });
  if (record === undefined) return;
  if (what === 'retry') await store.retry([record]);
  if (what === 'drop') await store.drop(records.slice(0, which));
  if (what === 'replay') await store.replay('archive', entries);
  if (what === 'settle') await settle(journal, 'archive', { cursor, settled: [untouched(record.seq)] });
}

/** Writes a text where SQLite leaves what it has moved elsewhere: between the pointers and the cells of a leaf that is in use. */
function leaveFragment(file: string, text: string): void {
  const bytes = readFileSync(file);
  const pageSize = bytes.readUInt16BE(16);
  for (let page = pageSize; page < bytes.length; page += pageSize) {
    const [pointers, cells] = [page + 8 + 2 * bytes.readUInt16BE(page + 3), page + bytes.readUInt16BE(page + 5)];
    // A leaf of a table that has rows.
    if (bytes[page] !== 0x0d || pointers === page + 8 || cells - pointers < 2 * text.length) continue;
    bytes.write(text, pointers + Math.floor(text.length / 2), 'latin1');
    writeFileSync(file, bytes);
    return;
  }
  throw new Error('no leaf has room');
}

/** How the body of its notifications begins. */
function bodyOf(accountId: string): string {
  return `{"account_id":"${accountId}"`;
}

function arrived(accountId: string, second: number, size = 10) {
  const json = JSON.stringify({ account_id: accountId, text: `${accountId} `.repeat(1 + size / 33) });
  return notification({ accountId, json, receivedAt: Date.UTC(2026, 10, 24, 8, 0, second) });
}

function erase(...args: string[]): Promise<Result> {
  return cli(['erase', '--account', erased, ...args, '--config', config]);
}

async function accounts(): Promise<(string | null)[]> {
  return (await journal.find({ after: 0, limit: 100 })).map(({ header }) => header.accountId);
}

/** Whether a text stands anywhere in the journal's folder. */
function inFiles(text: string): boolean {
  const path = join(folder.path, 'journal');
  const files = readdirSync(path, { withFileTypes: true }).filter((file) => file.isFile());
  return files.some(({ name }) => readFileSync(join(path, name)).includes(text));
}
