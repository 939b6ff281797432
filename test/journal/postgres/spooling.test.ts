import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../../src/common/messages.ts';
import type { Spool } from '../../../src/journal/folder-journals.ts';
import { StoreAway } from '../../../src/journal/postgres/connection.ts';
import { SpoolingAppender, type SpoolTarget } from '../../../src/journal/postgres/spooling.ts';
import type { Drift } from '../../../src/journal/reader.ts';
import type { Entry } from '../../../src/notification/entry.ts';
import type { Notification } from '../../../src/notification/notification.ts';
import { folderJournals, openJournal } from '../../support/journal.ts';
import { entryOf, notification } from '../../support/notification.ts';
import { until } from '../../support/until.ts';

const size = 100 * 1024 * 1024;

/** A database that can be away, for a while or just when it has appended. */
class Database implements SpoolTarget {
  readonly all: Notification[] = [];
  readonly drift: Drift[] = [];
  away: SpoolTarget['away'] = null;
  isFull = false;
  mostInTime = Number.POSITIVE_INFINITY;
  unconfirmed = 0;

  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    if (this.away !== null) throw new StoreAway(this.away.reason);
    if (batch.length > this.mostInTime) throw new StoreAway('no answer within 1 s');
    if (this.isFull) throw new Error('the journal has reached journal.maxSize');
    const fresh = batch.filter(({ header }) => !this.ids.includes(header.id));
    this.all.push(...fresh);
    this.unconfirmed -= 1;
    if (this.unconfirmed === 0) throw new StoreAway('no answer');
    return fresh.map((one) => entryOf(one, this.all.indexOf(one) + 1));
  }

  async addDrift(found: readonly Drift[]): Promise<void> {
    this.drift.push(...found);
  }

  get ids(): string[] {
    return idsOf(this.all);
  }

  leave(): void {
    this.away = { since: Date.now() - 5_000, reason: 'connection refused' };
  }
}

let folder: string;
let database: Database;
let spool: Spool;
let appender: SpoolingAppender;
let logged: Record<string, unknown>[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-spool-'));
  database = new Database();
  logged = [];
  open();
});

afterEach(async () => {
  await appender.close();
  rmSync(folder, { recursive: true });
});

describe('while the database is away', () => {
  test('what comes in is kept in the spool, and brought into the database in its order once that is back', async () => {
    database.leave();
    const all = Array.from({ length: 1_200 }, () => notification({}));
    for (let first = 0; first < all.length; first += 100) {
      const batch = all.slice(first, first + 100);
      expect((await appender.append(batch)).map(({ header }) => header.id)).toEqual(idsOf(batch));
    }
    expect(appender.degraded).toMatchObject({ state: 'away', spooled: 1_200, reason: 'connection refused' });
    database.away = null;
    const live = notification({});
    await appender.append([live]);
    expect(appender.degraded).toMatchObject({ state: 'draining', spooled: 1_200 });
    await until(() => logged.length === 3, { what: 'the end of it to be told' });
    expect(database.ids.filter((id) => id !== live.header.id)).toEqual(idsOf(all));
    expect(database.ids).toContain(live.header.id);
    expect(appender.degraded).toBeNull();
    expect(logged.map(({ msg }) => msg)).toEqual([messages.databaseAway, messages.databaseBack, messages.spoolMoved]);
  });

  test('a moment of it is waited for, and nothing is spooled', async () => {
    database.leave();
    const appended = appender.append([notification({})]);
    database.away = null;
    expect(await appended).toHaveLength(1);
    expect(logged).toEqual([]);
    expect(appender.degraded).toBeNull();
  });

  test('it is told though nothing comes in', () => {
    database.leave();
    expect(appender.degraded).toMatchObject({ spooled: 0, reason: 'connection refused' });
  });

  test('what comes twice is kept once', async () => {
    database.leave();
    const one = notification({});
    await appender.append([one]);
    expect(await appender.append([one, one])).toEqual([]);
    expect(spool.count).toBe(1);
  });

  test('a spool that is full refuses more, and takes no part of a batch', async () => {
    await appender.close();
    open(1);
    database.leave();
    await expect(appender.append([notification({})])).rejects.toThrow(
      `the database of the journal is away, and the spool ${folder} has reached journal.spoolSize (1 B)`,
    );
    expect(spool.count).toBe(0);
  });
});

describe('a spool', () => {
  test('that is found at the start is brought into the database', async () => {
    database.leave();
    const all = [notification({}), notification({})];
    await appender.append(all);
    await appender.close();
    database.away = null;
    open();
    await until(() => spool.count === 0, { what: 'the spool to be empty' });
    expect(database.ids).toEqual(idsOf(all));
  });

  test('is brought there once, though the answer to that is lost', async () => {
    database.leave();
    const all = [notification({}), notification({})];
    await appender.append(all);
    database.unconfirmed = 1;
    database.away = null;
    await until(() => spool.count === 0, { what: 'the spool to be empty' });
    expect(database.ids).toEqual(idsOf(all));
  });

  test('is brought there in smaller parts where one takes too long', async () => {
    database.leave();
    const all = Array.from({ length: 40 }, () => notification({}));
    await appender.append(all);
    database.mostInTime = 20;
    database.away = null;
    await until(() => spool.count === 0, { what: 'the spool to be empty' });
    expect(database.ids).toEqual(idsOf(all));
  });

  test('gives back all that is known of a notification', async () => {
    const problems = [{ path: '/a/3', keyword: 'type', message: 'must be a string' }];
    const secrets = [{ path: ['a', 'b'], value: 'x' }];
    const all = [
      notification({ fingerprint: 'f'.repeat(22), ownTime: 5, secrets, event: null, accountId: null, known: false }),
      notification({ state: 'invalid', problems, json: '{"a":"\u00e4\\u0000"}', ownTime: null }),
      notification({ state: 'undecodable', problems, json: 'null', raw: Buffer.from([0, 255]), known: false }),
    ];
    database.leave();
    await appender.append(all);
    database.away = null;
    await until(() => spool.count === 0, { what: 'the spool to be empty' });
    const given = database.all.map((one) => ({ ...one, raw: one.raw && [...one.raw], data: null }));
    expect(given).toEqual(
      all.map((one, index) => ({
        ...one,
        ...{ raw: one.raw && [...one.raw], data: null, mayHoldSecrets: false, unknownFields: index === 0 ? null : [] },
      })),
    );
  });

  test('tells of fields that no schema has, once', async () => {
    database.leave();
    const found = { known: true, event: 'low_balance', unknownFields: ['/x'] };
    await appender.append([notification(found), notification(found)]);
    database.away = null;
    await until(() => spool.count === 0 && database.drift.length > 0, { what: 'the spool to be empty' });
    expect(database.drift).toMatchObject([{ event: 'low_balance', path: '/x', keyword: 'unknownField', count: 2 }]);
    expect(spool.unknownFields()).toEqual([]);
  });

  test('leaves no byte on this machine once it is empty', async () => {
    database.leave();
    const json = JSON.stringify({ text: 'unmistakable '.repeat(20_000) });
    await appender.append(Array.from({ length: 30 }, () => notification({ json })));
    expect(filesWith('unmistakable')).not.toEqual([]);
    database.away = null;
    await until(() => spool.count === 0 && filesWith('unmistakable').length === 0, { what: 'the files to be empty' });
  });

  test('waits where the database refuses it, and says why once', async () => {
    database.leave();
    await appender.append([notification({})]);
    database.isFull = true;
    database.away = null;
    await until(() => logged.some(({ level }) => level === 50), { what: 'the error' });
    await expect(appender.append([notification({})])).rejects.toThrow('journal.maxSize');
    expect(appender.degraded).toMatchObject({
      ...{ state: 'refused', spooled: 1 },
      reason: expect.stringContaining('journal.maxSize'),
    });
    database.isFull = false;
    await until(() => spool.count === 0, { what: 'the spool to be empty' });
    expect(logged.filter(({ level }) => level === 50)).toHaveLength(1);
    await until(() => appender.degraded === null, { what: 'the trouble to be over' });
  });

  test('is never the journal of a daemon, whose routes have delivered from it', async () => {
    const own = join(folder, 'journal');
    const journal = await openJournal(own, pino({ level: 'silent' }));
    await journal.openRoute('r', 'now');
    await journal.close();
    expect(() => folderJournals.openSpool(own, size, pino({ level: 'silent' }))).toThrow(
      `"kazoo-relay journal copy --from ${own}"`,
    );
  });

  test("is one daemon's", () => {
    expect(() => folderJournals.openSpool(folder, size, pino({ level: 'silent' }))).toThrow(
      `the journal ${folder} is in use by another kazoo-relay: stop that one, or give this one a journal.spool of its own`,
    );
  });
});

function open(spoolSize = size): void {
  const log = pino({ level: 'info' }, { write: (text: string) => void logged.push(JSON.parse(text)) });
  spool = folderJournals.openSpool(folder, spoolSize, log);
  appender = new SpoolingAppender(database, spool, log);
}

function filesWith(text: string): string[] {
  return readdirSync(folder).filter((file) => readFileSync(join(folder, file)).includes(text));
}

function idsOf(notifications: readonly Notification[]): string[] {
  return notifications.map(({ header }) => header.id);
}
