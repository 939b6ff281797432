import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pino from 'pino';
import type { Journal } from '../../../src/journal/journal.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { openOperatorStore } from '../../../src/journal/sqlite/operator-store.ts';
import { openJournalReader } from '../../../src/journal/sqlite/reader.ts';
import type { Entry } from '../../../src/notification/entry.ts';
import { envelopeHeader, headerKeys } from '../../../src/notification/header.ts';
import { interestOf } from '../../../src/routes/match.ts';
import { cliProcess } from '../../support/cli.ts';
import { notification } from '../../support/notification.ts';
import { operating } from '../../support/operator.ts';
import { recorded, untouched } from '../../support/recorded.ts';
import { sessionOf, settle } from '../../support/sessions.ts';

const log = pino({ level: 'silent' });
let folder: string;
let journal: Journal;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'kazoo-relay-journal-')), 'journal');
  journal = openJournal(folder, log);
});

afterEach(async () => {
  await journal.close();
  rmSync(join(folder, '..'), { recursive: true });
});

describe('the journal', () => {
  test('gives a thousand routes their places in one commit', async () => {
    const log = `${join(folder, 'journal.sqlite')}-wal`;
    const before = statSync(log).size;
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => journal.openRoute(`r${index}`, 'earliest')));
    expect((await journal.summary()).routes).toHaveLength(1_000);
    // A commit for each would write a page or two for each.
    expect((statSync(log).size - before) / 4_096).toBeLessThan(50);
  });

  test('reads what routes go through together once from the disk, also where they ask in one turn', async () => {
    const all = await appendMany(1_200);
    await reopen();
    const [one, other, narrow] = [
      await sessionOf(journal, 'a'),
      await sessionOf(journal, 'b'),
      await sessionOf(journal, 'c'),
    ];
    const everything = interestOf({ events: [], accounts: [] });
    const [first, same] = await Promise.all([one.read(0, 500, everything), other.read(0, 200, everything, 100_000)]);
    expect(first.entries.map(({ seq }) => seq)).toEqual(all.slice(0, 500).map(({ seq }) => seq));
    for (const [index, entry] of same.entries.entries()) expect(entry).toBe(first.entries[index]);
    expect([same.entries.length, same.more]).toEqual([expect.any(Number), true]);
    const behind = await other.read(same.through, 500, everything);
    expect([behind.entries.at(-1), behind.through]).toEqual([first.entries.at(-1), first.through]);
    // Another interest has pages of its own.
    const none = await narrow.read(0, 500, interestOf({ events: [], accounts: ['nobody'] }));
    expect([none.entries, none.through]).toEqual([[], all.at(-1)?.seq]);
    // What came since is behind the page's end.
    await one.read(1_000, 500, everything);
    await journal.append([notification({})]);
    expect(await other.read(1_000, 500, everything)).toMatchObject({ through: all.at(-1)?.seq, more: true });
    for (const session of [one, other, narrow]) await session.close();
  });

  test('parses what many entries have in common once', async () => {
    await appendMany(100);
    await reopen();
    const parse = jest.spyOn(JSON, 'parse');
    expect(await readAll()).toHaveLength(100);
    expect(parse.mock.calls.length).toBeLessThan(10);
    parse.mockRestore();
  });

  test('is in a folder that only its owner can enter', () => {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('has no act without its row, and no row without its act', async () => {
    await journal.append([notification({}), notification({})]);
    await settle(journal, 'r', { cursor: 2, recorded: [recorded(1, 'dead'), recorded(2, 'dead')] });
    const store = operating(openOperatorStore(folder));
    const dead = await store.records({ states: ['dead'] }, 0, 10);
    const execute = (sql: string) => {
      using database = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 5_000 });
      database.exec(sql);
    };
    execute("CREATE TRIGGER refused BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
    await expect(store.drop(dead)).rejects.toThrow(/can't be written: no room/);
    expect(await store.records({ states: ['dead'] }, 0, 10)).toHaveLength(2);
    execute(
      "DROP TRIGGER refused; CREATE TRIGGER refused BEFORE DELETE ON deliveries BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    await expect(store.drop(dead)).rejects.toThrow(/can't be written: no/);
    expect(await store.acts(0, 10)).toEqual([]);
    execute('DROP TRIGGER refused');
    expect(await store.drop(dead)).toBe(2);
    expect(await store.acts(0, 10)).toMatchObject([{ act: 'drop', count: 2 }]);
    await store.close();
  });

  test('tells its log what operators do beside it, once each, and nothing of what was done before', async () => {
    const store = operating(openOperatorStore(folder));
    await store.pause('r');
    await journal.close();
    const logged: string[] = [];
    journal = openJournal(folder, pino({ base: null }, { write: (line: string) => void logged.push(line) }));
    await store.act({ who: 'ann', from: 'desk' }, { route: 'r' }).resume('r');
    journal.look();
    journal.look();
    const told = logged.filter((line) => line.includes('an operator has acted')).map((line) => JSON.parse(line));
    expect(told).toMatchObject([{ act: 'resume', who: 'ann', from: 'desk', selection: { route: 'r' }, count: 1 }]);
    await store.close();
  });

  test('keeps a row of a small size, whatever was said', async () => {
    const ids = Array.from({ length: 10_000 }, (_, number) => `${number}${'x'.repeat(1_000)}`);
    const store = openOperatorStore(folder);
    await store
      .act({ who: 'w'.repeat(10_000), from: 'f'.repeat(10_000) }, { ids, route: 'r'.repeat(10_000) })
      .pause('r');
    const [row] = await store.acts(0, 1);
    expect(JSON.stringify(row).length).toBeLessThan(6_000);
    await store.close();
  });

  test('tells of what an operator has done as soon as it is told to look', async () => {
    await journal.append([notification({})]);
    const session = await sessionOf(journal, 'r', 'earliest');
    const changes: unknown[] = [];
    journal.subscribe((change) => changes.push(change));
    const store = operating(openOperatorStore(folder));
    await store.forget('nobody');
    await store.forget('r');
    await store.close();
    journal.look();
    journal.look();
    expect(changes).toEqual(['records']);
    await session.close();
  });

  test.each([
    ['0755', 0, undefined],
    ['0770', 0, undefined],
    ['2770', process.getegid?.() ?? 0, undefined],
    ['0777', 0, 'chmod o-w'],
    ['1777', 0, 'chmod o-w'],
    ['0703', 0, 'chmod o-w'],
    ['0770', 54_321, 'chmod g-w'],
    ['0777', 54_321, 'chmod go-w'],
  ])('is opened in a folder with mode %s of the group %d unless others may write there: %s', (mode, gid, cure) => {
    const shared = mkdtempSync(join(tmpdir(), 'kazoo-relay-shared-'));
    try {
      chownSync(shared, -1, gid);
    } catch {
      return; // only root gives a folder to any group
    }
    chmodSync(shared, Number.parseInt(mode, 8));
    const opened = () => openJournal(shared, log).close();
    if (cure === undefined) expect(opened).not.toThrow();
    else expect(opened).toThrow(`others may write in the journal's folder ${shared}`);
    if (cure !== undefined) expect(opened).toThrow(`${cure} ${shared}`);
    expect(readdirSync(shared).length > 0).toBe(cure === undefined);
    rmSync(shared, { recursive: true });
  });

  test('numbers what it takes without gaps, wherever in a batch something is that it has already', async () => {
    const batch = Array.from({ length: 25 }, () => notification({}));
    const old = notification({});
    await journal.append([old]);
    const withOld = batch.toSpliced(7, 0, old);
    const fresh = await journal.append([...withOld, withOld[3] ?? old]);
    expect(fresh.map(({ header }) => header.id)).toEqual(batch.map(({ header }) => header.id));
    expect((await readAll()).map(({ seq }) => seq)).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
  });

  test('has a column in its view for each field of a header, and reads each where it was written', async () => {
    const given = notification({ known: false, preview: true, event: 'e', category: 'c', routingKey: 'k', node: 'n' });
    await journal.append([given]);
    expect((await readAll()).map(({ header }) => header)).toEqual([given.header]);
    using database = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
    const row = database.prepare('SELECT * FROM entries').get();
    const { known, preview, occurredAt, receivedAt } = given.header;
    const times = { occurred_at: occurredAt, received_at: receivedAt };
    const flags = { known: Number(known), preview: Number(preview) };
    expect(row).toMatchObject({ ...envelopeHeader(given.header), ...times, ...flags });
    expect(Object.keys(given.header)).toHaveLength(headerKeys.length + Object.keys(flags).length);
  });

  test('keeps what a body that can’t be decoded began with', async () => {
    await journal.append([notification({ state: 'undecodable', json: 'null', raw: Buffer.from([0, 255]) })]);
    await reopen();
    expect(await readAll()).toMatchObject([{ state: 'undecodable', data: null }]);
    const database = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
    expect(database.prepare('SELECT raw FROM notifications').get()?.raw).toEqual(new Uint8Array([0, 255]));
    database.close();
  });

  test('keeps nothing of a batch that fails in the middle', async () => {
    const broken = { ...notification({}), json: null as unknown as string }; // what a bug might make
    await expect(journal.append([notification({}), broken])).rejects.toThrow(
      /journal\.sqlite can't be written: NOT NULL/,
    );
    expect(await readAll()).toEqual([]);
    expect(await journal.append([notification({})])).toHaveLength(1);
  });

  test('holds the batch that came last as a whole, and few entries before it', async () => {
    const [before, last] = [await appendMany(400), await appendMany(400)];
    const session = await sessionOf(journal, 'r');
    const readFrom = async (seq: number) =>
      (await session.read(seq, 400, interestOf({ events: [], accounts: [] }))).entries;
    expect((await readFrom(400)).every((entry, index) => entry === last[index])).toBe(true);
    const fromDisk = await readFrom(0);
    expect(fromDisk).toEqual(before);
    expect(fromDisk[0]).not.toBe(before[0]);
  });

  test('passes over recent batches that have nothing of interest', async () => {
    const batches = [
      ['register', 'register', 'missed_call'],
      ['register', null],
      ['register', 'port_request', 'register'],
      ['missed_call'],
      [null],
    ];
    for (const events of batches) await journal.append(events.map((event) => notification({ event })));
    const session = await sessionOf(journal, 'r');
    const read = async (after: number, events: string[]) => {
      const { entries, ...page } = await session.read(after, 2, interestOf({ events, accounts: [] }));
      return { seqs: entries.map(({ seq }) => seq), ...page };
    };
    // None at all, one that leaves something behind, the rest, and what lies behind the only batch that has it.
    expect(await read(0, ['fax_*'])).toEqual({ seqs: [], through: 10, more: false });
    expect(await read(0, ['port_*'])).toEqual({ seqs: [6, 7], through: 7, more: true });
    expect(await read(7, ['port_*'])).toEqual({ seqs: [8, 9], through: 9, more: true });
    expect(await read(8, ['port_*'])).toEqual({ seqs: [], through: 10, more: false });
    expect(await read(0, ['missed_call'])).toEqual({ seqs: [1, 2], through: 2, more: true });
    expect(await read(9, ['missed_call'])).toEqual({ seqs: [], through: 10, more: false });
    expect(await read(2, ['*'])).toEqual({ seqs: [3, 4], through: 4, more: true });
    // It may be one whose body names no event: who wants all events wants that too.
    for (const all of [[], ['*']]) expect(await read(9, all)).toEqual({ seqs: [10], through: 10, more: false });
  });
});

describe('the progress of routes', () => {
  test('is saved in the transaction of the next append, however many have told theirs, or in one of its own', async () => {
    const fresh = await journal.append([notification({}), notification({})]);
    const sessions = await Promise.all(['a', 'b', 'c'].map((route) => sessionOf(journal, route)));
    const settleAll = () => {
      const record = { ...recorded(fresh[0]?.seq ?? 0, 'waiting') };
      return sessions.flatMap((session) => [
        session.settle({ cursor: 1, recorded: [record], settled: [], delivered: [] }),
        session.settle({ cursor: 2, recorded: [], settled: [untouched(record.seq)], delivered: [] }),
      ]);
    };
    const executed = jest.spyOn(DatabaseSync.prototype, 'exec');
    const told = settleAll();
    await journal.append([notification({})]);
    await Promise.all(told);
    expect((await journal.summary()).routes).toMatchObject(Array(3).fill({ cursor: 2, waiting: 0 }));
    expect(executed.mock.calls).toEqual([['BEGIN IMMEDIATE'], ['COMMIT']]);
    executed.mockClear();
    const later = settleAll();
    await sessions[0]?.flush();
    await Promise.all(later);
    expect(executed.mock.calls).toEqual([['PRAGMA synchronous = NORMAL'], ['BEGIN IMMEDIATE'], ['COMMIT']]);
    executed.mockRestore();
  });

  test('is saved within 10 ms by a commit that waits for no disk, but for one a second; an append always waits', async () => {
    const session = await sessionOf(journal, 'r');
    const settle = () => void session.settle({ cursor: 1, recorded: [], settled: [], delivered: [] });
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const executed = jest.spyOn(DatabaseSync.prototype, 'exec');
    try {
      const commits = () => {
        const calls = executed.mock.calls.splice(0).map(([sql]) => sql);
        return calls.filter((sql) => sql !== 'BEGIN IMMEDIATE').map((sql) => sql.replace('PRAGMA synchronous = ', ''));
      };
      await journal.append([notification({})]);
      expect(commits()).toEqual(['COMMIT']);
      settle();
      jest.advanceTimersByTime(9);
      expect(commits()).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(commits()).toEqual(['NORMAL', 'COMMIT']);
      settle();
      jest.advanceTimersByTime(10);
      expect(commits()).toEqual(['COMMIT']);
      await journal.append([notification({})]);
      expect(commits()).toEqual(['FULL', 'COMMIT']);
      for (let told = 0; told < 120; told += 1) {
        settle();
        jest.advanceTimersByTime(10);
      }
      const during = commits();
      expect(during.filter((what) => what === 'COMMIT')).toHaveLength(120);
      // The hundredth has waited, and those after it haven't.
      expect(during.filter((what) => what !== 'COMMIT')).toEqual(['NORMAL', 'FULL', 'NORMAL']);
    } finally {
      executed.mockRestore();
      jest.useRealTimers();
    }
  });

  test('that can’t be saved is told to whoever waits for it, and goes with the next commit', async () => {
    const [entry] = await journal.append([notification({})]);
    const session = await sessionOf(journal, 'r');
    alter("CREATE TRIGGER broken BEFORE UPDATE ON routes BEGIN SELECT RAISE(ABORT, 'not now'); END");
    const record = recorded(entry?.seq ?? 0, 'dead');
    const progress = { cursor: record.seq, recorded: [record], settled: [], delivered: [] };
    await expect(session.settle(progress)).rejects.toThrow(/can't be written: not now/);
    await expect(session.flush()).rejects.toThrow(/can't be written: not now/);
    await expect(session.close()).rejects.toThrow(/can't be written: not now/);
    alter('DROP TRIGGER broken');
    const next = await sessionOf(journal, 'r');
    expect(next.cursor).toBe(record.seq);
    expect((await journal.summary()).routes).toMatchObject([{ cursor: record.seq, dead: 1 }]);
  });

  test('looks up a few of what waits, and a page of what a route has, without going through all that waits', async () => {
    const database = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 5_000 });
    const [first] = await journal.append([notification({})]);
    database.exec(`
      WITH RECURSIVE numbers (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers LIMIT 1000)
      INSERT INTO deliveries SELECT 'r', seq, 'a', 'waiting', 'busy', '[]', seq, 1, 'new' FROM numbers;
      INSERT INTO notifications
        SELECT d.seq, d.seq, fingerprint, own_time, occurred_at, received_at, head, data, raw
        FROM deliveries d, notifications n WHERE n.seq = 1 AND d.seq > 1`);
    database.close();
    const store = operating(openOperatorStore(folder));
    const session = await sessionOf(journal, 'r');
    const prepared = jest.spyOn(DatabaseSync.prototype, 'prepare');
    expect((await session.waitingAmong([1, 0])).size).toBe(1);
    const pages = await Promise.all(
      Array.from({ length: 20 }, (_, page) => store.records({ states: ['waiting'], route: 'r' }, page, 1)),
    );
    expect(pages.flat().map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, page) => page + 1));
    expect(pages[0]).toMatchObject([{ id: first?.header.id }]);
    const asked = new Set(prepared.mock.calls.map(([sql]) => sql));
    prepared.mockRestore();
    expect(asked.size).toBe(4);
    for (const sql of asked) expect(scannedBy(sql).filter((step) => !step.includes('delivery_groups'))).toEqual([]);
    await store.close();
  });

  test('counts dead letters by what is kept, and retries any number of them in steps, between which others may write', async () => {
    await journal.append([notification({})]);
    const database = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 0 });
    database.exec(`
      WITH RECURSIVE numbers (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers LIMIT 11000)
      INSERT INTO deliveries SELECT 'r', seq, 'a', 'dead', 'no room', '[1]', NULL, seq, 'new' FROM numbers;
      UPDATE deliveries SET route = 'gone' WHERE seq = 7`);
    const store = operating(openOperatorStore(folder));
    const prepared = jest.spyOn(DatabaseSync.prototype, 'prepare');
    const shown = { state: 'dead', reason: 'no room' };
    expect(await store.groups({ states: ['dead', 'quarantined', 'undecodable'] })).toEqual([
      { ...shown, route: 'r', count: 10_999, first: 1, last: 11_000, dueAt: null },
      { ...shown, route: 'gone', count: 1, first: 7, last: 7, dueAt: null },
    ]);
    const [[counting = ''] = []] = prepared.mock.calls;
    prepared.mockRestore();
    expect(counting).toContain('FROM delivery_groups');
    const steps: number[] = [];
    for await (const count of store.retryDead({ routes: ['r'] })) {
      steps.push(count);
      database.exec('BEGIN IMMEDIATE; ROLLBACK');
    }
    expect(steps).toEqual([5_000, 5_000, 999]);
    expect((await journal.summary()).routes).toMatchObject([{ name: 'gone', dead: 1 }, { waiting: 10_999 }]);
    expect(
      database.prepare("SELECT attempts ->> 0, attempts ->> '$[1].outcome' FROM deliveries LIMIT 1").get(),
    ).toEqual({
      'attempts ->> 0': 1,
      "attempts ->> '$[1].outcome'": 'restart',
    });
    database.close();
    await store.close();
  });

  test('reads no more of the disk for a page about many records than for one about few', async () => {
    await journal.append([notification({})]);
    const database = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 5_000 });
    database.exec(`
      WITH RECURSIVE numbers (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM numbers LIMIT 20000)
      INSERT INTO deliveries SELECT 'r' || seq % 2, seq, 'a', iif(seq % 3, 'dead', 'waiting'), 'reason ' || seq % 5, '[1]', seq, seq,
        'event' || (seq > 19000) FROM numbers;
      INSERT INTO notifications
        SELECT d.seq, d.seq, fingerprint, own_time, occurred_at, received_at, head, data, raw
        FROM deliveries d, notifications n WHERE n.seq = 1`);
    database.close();
    const read = async (work: (store: ReturnType<typeof openOperatorStore>) => Promise<unknown>) => {
      const before = bytesRead();
      const store = openOperatorStore(folder);
      await work(store);
      await store.close();
      return Math.ceil((bytesRead() - before) / 4_096);
    };
    const [dead, waiting] = [['dead'], ['waiting']] as const;
    const pages = [
      await read((store) => store.summary()),
      await read((store) => store.eventGroups({ states: [...dead, ...waiting] }, 100)),
      await read((store) => store.count({ states: dead, event: 'event1', reason: 'reason 1' })),
      await read((store) => store.records({ states: dead, event: 'event1' }, 0, 10)),
      await read((store) =>
        store.records({ states: waiting, route: 'r1', reason: 'reason 4', event: 'event1' }, 0, 10),
      ),
      await read((store) => store.looked(Date.now())),
    ];
    expect(Math.max(...pages)).toBeLessThan(150);
    expect(await read((store) => store.records({ states: dead, since: 1e15 }, 0, 10))).toBeGreaterThan(1_000);
  });

  test('never meets a number again that it has passed, even when everything was removed', async () => {
    await journal.append([notification({}), notification({})]);
    await journal.openRoute('r', 'now');
    await journal.close();
    const database = new DatabaseSync(join(folder, 'journal.sqlite'));
    database.exec('DELETE FROM notifications');
    database.close();
    journal = openJournal(folder, log);
    await journal.append([notification({})]);
    expect(await readAll(2)).toHaveLength(1);
  });
});

describe('opening a journal', () => {
  test('is refused to a second daemon, with a message that says what to do', () => {
    expect(() => openJournal(folder, log)).toThrow(/in use by another kazoo-relay: stop that one/);
  });

  test('is possible again as soon as the process that had it is gone, however it went', async () => {
    await journal.close();
    const holder = spawn(process.execPath, ['test/journal/sqlite/hold-journal.ts', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    expect(() => openJournal(folder, log)).toThrow(/in use/);
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    journal = openJournal(folder, log);
  });

  test('is refused where the file belongs to another program, or is no database', async () => {
    await journal.close();
    alter('PRAGMA application_id = 42; ALTER TABLE notifications RENAME TO messages');
    expect(() => openJournal(folder, log)).toThrow(/database of another program/);
    expect(() => openJournalReader(folder)).toThrow(/database of another program/);
    alter(`PRAGMA application_id = ${0x6b7a726c}; ALTER TABLE messages RENAME TO notifications`);
    journal = openJournal(folder, log);
  });

  test('is refused at once where its folder can’t be made, with what is in the way', () => {
    const file = join(folder, 'journal.sqlite');
    expect(() => openJournal(join(file, 'journal'), log)).toThrow(
      `the journal's folder ${file}/journal can't be made: ${file} is not a folder`,
    );
    expect(() => openJournal('/proc/nothing/journal', log)).toThrow(
      "the journal's folder /proc/nothing/journal can't be made: no folder can be made in /proc: its file system takes none",
    );
  });

  test('for reading works beside the daemon and without it, and says so where there is none', async () => {
    await journal.append([notification({ event: 'a' }), notification({ event: 'b' })]);
    const beside = openJournalReader(folder);
    expect((await beside.find({ limit: 10 })).map(({ header }) => header.event)).toEqual(['a', 'b']);
    await beside.close();
    await journal.close();
    const without = openJournalReader(folder);
    expect((await without.find({ limit: 1 })).map(({ header }) => header.event)).toEqual(['b']);
    await without.close();
    expect(() => openJournalReader(relative('.', join(folder, 'nowhere')))).toThrow(
      `there is no journal in ${join(folder, 'nowhere')}: has`,
    );
    journal = openJournal(folder, log);
  });

  test('says so where the folder or the file may not be read', async () => {
    const config = join(folder, '..', 'kazoo-relay.yaml');
    const routes = 'routes: { all: { sink: { type: log } } }';
    writeFileSync(config, `brokers: [{ zone: a, url: amqp://h }]\njournal: { path: ${folder} }\n${routes}\n`);
    for (const [locked, mode] of Object.entries({ [join(folder, 'journal.sqlite')]: 0, [folder]: 0o600 })) {
      chmodSync(locked, mode);
      for (const command of [['tail'], ['dead', 'list']]) {
        const { stderr } = await cliProcess([...command, '--config', config], { privileged: false });
        expect(stderr).toContain(`the journal in ${folder} may not be read by the user `);
        expect(stderr).toContain('use sudo, or the user that the daemon runs as');
      }
    }
    chmodSync(folder, 0o700);
  });

  test('says whom it belongs to where that is somebody else, and how a command or the daemon may write it', async () => {
    if (process.getuid?.() !== 0) return; // nobody else may give a file away
    await journal.close();
    const config = join(folder, '..', 'kazoo-relay.yaml');
    const routes = 'routes: { all: { sink: { type: log } } }\nhttp: { listen: "off" }';
    writeFileSync(config, `brokers: [{ zone: a, url: amqp://h }]\njournal: { path: ${folder} }\n${routes}\n`);
    chmodSync(join(folder, 'journal.sqlite'), 0o644);
    chmodSync(folder, 0o755);
    const give = (uid: number) => {
      for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) chownSync(path, uid, uid);
    };
    give(54_321);
    const told = async (...command: string[]) =>
      (await cliProcess([...command, '--config', config], { privileged: false })).stderr;
    for (const command of [['tail'], ['status'], ['dead', 'list']]) {
      expect(await told(...command)).toMatch(
        /this command has to write there too, which the user root may not: .* sudo -u '#54321' kazoo-relay …\n$/,
      );
    }
    expect(await told('run')).toMatch(
      / is owned by 54321:54321 with mode 0[0-7]{3}, this is 0:0\)?; .* writable for the user that the daemon runs as\n$/,
    );
    chmodSync(folder, 0o700);
    expect(await told('tail')).toMatch(/may not be read by the user root: .* sudo -u '#54321' kazoo-relay …\n$/);
    for (const command of ['tail', 'run']) {
      const args = [command, '--config', config];
      const { stderr } = await cliProcess(args, { env: { container: 'oci' }, privileged: false });
      expect(stderr).toMatch(/is owned by 54321:54321 with mode 0700, this is 0:0/);
      expect(stderr).not.toContain('sudo');
    }
    give(0);
    journal = openJournal(folder, log);
  });
});

function appendMany(count: number): Promise<readonly Entry[]> {
  return journal.append(Array.from({ length: count }, () => notification({})));
}

async function readAll(after = 0): Promise<readonly Entry[]> {
  return journal.find({ after, limit: 100 });
}

async function reopen(): Promise<void> {
  await journal.close();
  journal = openJournal(folder, log);
}

function alter(sql: string): void {
  const database = new DatabaseSync(join(folder, 'journal.sqlite'));
  database.exec(sql);
  database.close();
}

/** What a statement goes through as a whole, of the tables that grow with the journal. */
/** By this process so far, of files and else. */
function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

function scannedBy(sql: string): string[] {
  using database = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
  return plan.map(({ detail }) => String(detail)).filter((step) => /^SCAN (?!json_each|value)/.test(step));
}
