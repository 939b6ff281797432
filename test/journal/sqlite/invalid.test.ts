import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Journal } from '../../../src/journal/journal.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { openOperatorStore } from '../../../src/journal/sqlite/operator-store.ts';
import { rebuildJournal } from '../../../src/journal/sqlite/recovery/rebuild.ts';
import { unlimited } from '../../../src/journal/sqlite/retention.ts';
import { overwrite, rowsIn } from '../../support/journal-file.ts';
import { notification } from '../../support/notification.ts';
import { until } from '../../support/until.ts';

const problem = { path: '/a', keyword: 'type', message: 'must be a string' };
const invalid = { state: 'invalid', problems: [problem] } as const;
const undecodable = { state: 'undecodable', event: null, known: false, json: 'null', problems: [problem] } as const;

const log = pino({ level: 'silent' });

let folder: string;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-invalid-'));
  journal = openJournal(folder, log);
});

afterEach(async () => {
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

function read(sql: string): Record<string, unknown>[] {
  return rowsIn(join(folder, 'journal.sqlite'), sql);
}
