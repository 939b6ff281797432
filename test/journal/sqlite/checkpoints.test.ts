import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Journal } from '../../../src/journal/journal.ts';
import { Checkpoints } from '../../../src/journal/sqlite/connection.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { notification } from '../../support/notification.ts';
import { until } from '../../support/until.ts';

let folder: string;
let journal: Journal;
let logged: string[];
const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });
const told = (text: string) => logged.filter((line) => line.includes(text));

beforeEach(() => {
  logged = [];
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-checkpoints-'));
  journal = openJournal(folder, log, undefined, 20);
});

afterEach(async () => {
  await journal.close();
  rmSync(folder, { recursive: true });
});

describe('a write-ahead log that can’t be brought into the journal', () => {
  test('because somebody reads for long is told once, and once more when it is over', async () => {
    const reader = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM notifications');
    const json = JSON.stringify({ filler: 'x'.repeat(1_000_000) });
    for (let count = 0; count < 20; count += 1) await journal.append([notification({ json })]);
    await until(() => told('can not be brought into the journal').length > 0, { what: 'the warning' });
    expect(logged.join('')).toContain('somebody has been reading the journal for long');
    reader.close();
    await until(() => told('is brought into the journal again').length > 0, { what: 'its end' });
    expect(told('can not be brought into the journal')).toHaveLength(1);
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
    expect(told('can not be brought into the journal')).toHaveLength(1);
    expect(logged.join('')).toContain('disk I/O error');
  });
});
