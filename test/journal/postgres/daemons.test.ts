import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import pino from 'pino';
import { MemoryBudget } from '../../../src/common/memory-budget.ts';
import { startRoute } from '../../../src/delivery/route.ts';
import { type Journal, JournalError } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import { enterDaemon } from '../../../src/journal/postgres/daemon.ts';
import type { RouteSession } from '../../../src/journal/route-session.ts';
import { interestOf } from '../../../src/routes/match.ts';
import { delivered, type Sink } from '../../../src/sinks/sink.ts';
import { unlimited } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { makeTables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { startProxy } from '../../support/proxy.ts';
import { recorded, untouched } from '../../support/recorded.ts';
import { routeOptions } from '../../support/route.ts';
import { sessionOf, settle } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';

const log = pino({ level: 'silent' });
const everything = interestOf({ events: [], accounts: [] });

describe('daemons that share a journal', () => {
  let postgres: SharedPostgres;
  let schema: string;
  let folder: string;
  let opened: Set<Journal>;

  beforeAll(async () => {
    postgres = await sharePostgres();
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-spools-'));
  });

  afterAll(async () => {
    await postgres.close();
    rmSync(folder, { recursive: true });
  });

  beforeEach(() => {
    schema = `test_${randomUUID().slice(0, 8)}`;
    opened = new Set();
  });

  afterEach(async () => {
    await Promise.all([...opened].map(close));
  });

  const open = async (name: string, url = postgres.url): Promise<Journal> => {
    const spool = join(folder, `${schema}-${name}`);
    const journal = await storeAt({ url, schema, spool, spoolSize: 1e9, name }).open(unlimited, log);
    opened.add(journal);
    return journal;
  };
  const close = async (journal: Journal): Promise<void> => {
    opened.delete(journal);
    await journal.close();
  };
  const query = (sql: string) => postgres.query(`SET search_path TO ${schema}; ${sql}`);

  test('append in one order without gaps, in which each of them reads all', async () => {
    const [one, other] = [await open('one'), await open('other')];
    const sessions = [await sessionOf(one, 'r'), await sessionOf(other, 's')];
    const batches = Array.from({ length: 20 }, () => [notification({}), notification({})]);
    const appending = Promise.all(batches.map((batch, index) => (index % 2 === 0 ? one : other).append(batch)));
    const seen = await Promise.all(sessions.map((session) => readUpTo(session, 40)));
    const seqs = (await appending).flat().map(({ seq }) => seq);
    expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    for (const entries of seen) expect(entries.map(({ seq }) => seq)).toEqual(seqs.toSorted((a, b) => a - b));
    const ids = batches.flat().map(({ header }) => header.id);
    expect(new Set(seen[0]?.map(({ header }) => header.id))).toEqual(new Set(ids));
  });

  test('take what a broker hands to both of them once, and know a resend of what the other has', async () => {
    const [one, other] = [await open('one'), await open('other')];
    const [first, resend, later] = ['f', 'f', 'f'].map((fingerprint) => notification({ ownTime: 5, fingerprint }));
    const batch = [first, later].filter((some) => some !== undefined);
    const fresh = await Promise.all([one.append(batch), other.append(batch.toReversed())]);
    expect(
      fresh
        .flat()
        .map(({ seq }) => seq)
        .toSorted(),
    ).toEqual([1, 2]);
    const [repeated] = await other.append([resend].filter((some) => some !== undefined));
    expect(repeated?.resendOf).toBe((await one.find({ limit: 10 }))[0]?.header.id);
  });

  test('give no route what it has settled while that was looked for', async () => {
    const one = await open('one');
    const seqs = (await one.append([notification({}), notification({})])).map(({ seq }) => seq);
    const session = await sessionOf(one, 'r');
    const records = seqs.map((seq) => ({ ...recorded(seq, 'waiting'), accountId: 'a', dueAt: 1 }));
    await session.settle({ cursor: 2, recorded: records, settled: [], delivered: [] });
    // So that no look waits for a connection.
    await Promise.all([session.nextDue(1), session.nextDue(1)]);
    const looks = [
      session.waitingOf('a', 10),
      session.due({ now: 10, horizon: 20, limit: 10, held: new Set() }).then(({ waiting }) => waiting),
    ];
    await nextTurn();
    void session.settle({ cursor: 2, recorded: [], settled: [untouched(1)], delivered: [] });
    for (const found of await Promise.all(looks)) expect(found.map(({ entry }) => entry.seq)).toEqual([2]);
  });

  test('tell each other of what they append', async () => {
    const [one, other] = [await open('one'), await open('other')];
    await sessionOf(other, 'r', 'now');
    const { promise: told, resolve } = Promise.withResolvers<unknown>();
    other.subscribe(resolve);
    await one.append([notification({})]);
    expect(await told).toBe('appended');
  });

  test('have a route one at a time: who waits goes on where the other has let go', async () => {
    const [one, other] = [await open('one'), await open('other')];
    await one.append([notification({}), notification({})]);
    const first = await sessionOf(one, 'r');
    const waiting = sessionOf(other, 'r');
    await first.settle({ cursor: 1, recorded: [], settled: [], delivered: [] });
    await first.close();
    const second = await waiting;
    expect([second.cursor, second.attemptedThrough, first.lost.aborted]).toEqual([1, 2, false]);
  });

  test('have one message of what one of them has collected for a digest, from whoever takes the route over', async () => {
    const messages: string[][] = [];
    const sink: Sink = {
      deliver: async (batch) => batch.map(() => delivered),
      async deliverDigest(batch) {
        messages.push(batch.map(({ header }) => header.id));
        return batch.map(() => delivered);
      },
      close: async () => undefined,
    };
    const start = async (journal: Journal) => {
      const session = await sessionOf(journal, routeOptions.name);
      const context = { session, events: journal, memory: new MemoryBudget(1e6), log, openSink: async () => sink };
      const route = await startRoute({ ...routeOptions, digest: { every: 86_400_000, per: 'account' } }, context);
      return async () => {
        await route.stop(AbortSignal.abort());
        await session.close();
      };
    };
    const collecting = async () => (await other.summary()).routes[0]?.collecting;
    const [one, other] = [await open('one'), await open('other')];
    const stopOne = await start(one);
    const batch = [1, 2, 3].map(() => notification({ accountId: 'a', receivedAt: Date.now() }));
    await one.append(batch);
    await until(async () => (await collecting()) === 3, { what: 'all to be collected' });
    await stopOne();
    // Its time has come.
    await query('UPDATE deliveries SET due_at = due_at - 86400000');
    const stopOther = await start(other);
    await until(async () => (await collecting()) === 0, { what: 'the digest to be settled' });
    await stopOther();
    expect(messages).toEqual([batch.map(({ header }) => header.id)]);
  });

  test('take over what a clean stop lets go of', async () => {
    const [one, other] = [await open('one'), await open('other')];
    const first = await sessionOf(one, 'r');
    const waiting = sessionOf(other, 'r');
    await close(one);
    expect(first.lost.aborted).toBe(true);
    expect((await waiting).lost.aborted).toBe(false);
    expect(await query('SELECT name FROM routes JOIN daemons USING (holder)')).toEqual([{ name: 'other' }]);
  });

  test('take over from one whose lease is over: it loses the route, and saves nothing of it any more', async () => {
    const [one, other] = [await open('one'), await open('other')];
    await one.append([notification({}), notification({})]);
    const first = await sessionOf(one, 'r');
    const waiting = sessionOf(other, 'r');
    void first.settle({ cursor: 1, recorded: [], settled: [], delivered: [] });
    await first.flush();
    // As long as it says nothing: it does again within a second or so.
    const [expired] = await query(
      "DELETE FROM beats WHERE holder = (SELECT holder FROM daemons WHERE name = 'one') RETURNING holder",
    );
    expect(expired).toBeDefined();
    const second = await waiting;
    expect(second.cursor).toBe(1);
    await first.settle({ cursor: 2, recorded: [], settled: [], delivered: [] }).catch(() => undefined);
    await until(() => first.lost.aborted, { what: 'the loss of the route' });
    expect(first.lost.reason).toBeInstanceOf(JournalError);
    await expect(first.settle({ cursor: 2, recorded: [], settled: [], delivered: [] })).rejects.toThrow(JournalError);
    expect(await query("SELECT max(cursor) AS cursor FROM progress WHERE route = 'r'")).toEqual([{ cursor: '1' }]);
    expect(second.lost.aborted).toBe(false);
  });

  test('share the routes out: who has more than its share gives them back one by one', async () => {
    const one = await open('one');
    const names = ['a', 'b', 'c', 'd'];
    const firsts = await Promise.all(names.map((name) => sessionOf(one, name)));
    const other = await open('other');
    const seconds: RouteSession[] = [];
    for (const name of names)
      void sessionOf(other, name).then(
        (session) => seconds.push(session),
        () => undefined,
      );
    const giveBack = async () => {
      for (const session of firsts) if (session.recalled.aborted) await session.close();
      return seconds.length === 2;
    };
    await until(giveBack, { what: 'an equal share' });
    expect(firsts.filter(({ recalled }) => recalled.aborted)).toHaveLength(2);
    const has = 'SELECT count(*)::int AS routes FROM routes WHERE holder IS NOT NULL GROUP BY holder';
    expect(await query(has)).toEqual([{ routes: 2 }, { routes: 2 }]);
  });

  test('leave a route alone that only one of them is to run', async () => {
    const [one, other] = [await open('one'), await open('other')];
    await Promise.all(['x', 'y', 'z'].map((name) => sessionOf(one, name)));
    await Promise.all(['x', 'y', 'z'].map((name) => other.openRoute(name, 'now')));
    const session = await sessionOf(other, 'mine');
    const renewed = async () => {
      const [row] = await query(
        'SELECT min(m) AS least, max(m) AS most FROM (SELECT max(expires_at) AS m FROM beats GROUP BY holder) b',
      );
      return [Number(row?.least), Number(row?.most)] as const;
    };
    const [, before] = await renewed();
    await until(async () => (await renewed())[0] > before, { what: 'a renewal of both leases' });
    expect([session.recalled.aborted, session.lost.aborted]).toEqual([false, false]);
  });

  test('deliver each for itself what it has taken', async () => {
    const [one, other] = [await open('one'), await open('other')];
    const sessionAt = async (journal: Journal, name: string) =>
      (await journal.openRoute(name, 'earliest', 'deliver', null, { own: true, alone: true })).session();
    const own = [await sessionAt(one, 'file@one'), await sessionAt(other, 'file@other')];
    for (let count = 0; count < 3; count += 1) {
      await one.append([notification({ event: 'at_one' })]);
      await other.append([notification({ event: 'at_other' }), notification({ event: 'at_other' })]);
    }
    const events = async (session: RouteSession | undefined, length: number) =>
      new Set((await readUpTo(session, length)).map(({ header }) => header.event));
    expect(await events(own[0], 3)).toEqual(new Set(['at_one']));
    expect(await events(own[1], 6)).toEqual(new Set(['at_other']));
    await close(one);
    const again = await sessionAt(await open('one'), 'file@one');
    expect((await readUpTo(again, 3)).map(({ header }) => header.event)).toEqual(['at_one', 'at_one', 'at_one']);
  });

  test('have names of their own: a second one of a name is refused while the first one lives', async () => {
    const one = await open('one');
    const tables = await makeTables(postgres.url, log, schema);
    const about = { version: '1', configuration: '' };
    await expect(enterDaemon(tables, randomUUID(), 'one', about, 0)).rejects.toThrow(/give each daemon a name/);
    await close(one);
    expect(await enterDaemon(tables, randomUUID(), 'one', about, 0)).toBe(1);
    await tables.close();
  });

  test('end the call of one that is stopped while it holds the lock of all appends', async () => {
    const one = await open('one');
    await one.append([notification({})]);
    const stopped = new pg.Client({ connectionString: postgres.url });
    const ended = new Promise((resolve) => stopped.on('error', resolve));
    await stopped.connect();
    await stopped.query(`SET search_path TO ${schema}; BEGIN; SELECT lock_for('append')`);
    await one.append([notification({})]);
    await ended;
    await until(async () => (await one.find({ limit: 10 })).length === 2, { what: 'what was kept on this machine' });
  });

  test('go on where they were, once a database is back that was away for longer than a lease', async () => {
    const { port } = new URL(postgres.url);
    const proxy = await startProxy(Number(port), 'anything');
    try {
      const one = await open('one', postgres.url.replace(`:${port}/`, `:${proxy.port}/`));
      await one.append([notification({})]);
      const place = await one.openRoute('r', 'earliest');
      const session = await place.session();
      void session.settle({ cursor: 1, recorded: [], settled: [], delivered: [] });
      await session.flush();
      proxy.freeze();
      const kept = await one.append([notification({})]);
      expect(one.degraded).toMatchObject({ spooled: 1 });
      await until(() => session.lost.aborted, { what: 'the end of the lease' });
      await expect(session.settle({ cursor: 2, recorded: [], settled: [], delivered: [] })).rejects.toThrow(
        JournalError,
      );
      const waiting = place.session();
      proxy.thaw();
      const again = await waiting;
      expect(again.cursor).toBe(1);
      expect((await readUpTo(again, 2)).at(-1)?.header.id).toBe(kept[0]?.header.id);
      await until(() => one.degraded === null, { what: 'the end of the trouble' });
      await close(one);
    } finally {
      await proxy.close();
    }
  });

  test('notice that the database lacks what was confirmed: sessions begin anew, and what is at hand is appended again', async () => {
    const one = await open('one');
    await one.append([notification({}), notification({})]);
    const session = await sessionOf(one, 'r');
    const lost = await one.append([notification({}), notification({})]);
    void session.settle({ cursor: 4, recorded: [], settled: [], delivered: [] });
    await session.flush();
    // As a standby that had less becomes the primary.
    const tables = ['log', 'ids', 'occurrences'].map((table) => `DELETE FROM ${table} WHERE seq > 2`);
    await query(`DELETE FROM appends WHERE last > 2; ${tables.join('; ')}; DELETE FROM progress WHERE cursor > 2`);
    // Nor has it removed yet what newer progress had made superfluous.
    await query("INSERT INTO progress (route, epoch, n, cursor) VALUES ('r', 0, 0, 0) ON CONFLICT DO NOTHING");
    await query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()',
    );
    await until(() => session.lost.aborted, { what: 'the loss of all routes' });
    const again = await sessionOf(one, 'r');
    const entries = await readUpTo(again, 4);
    expect(entries.slice(2).map(({ header }) => header.id)).toEqual(lost.map(({ header }) => header.id));
    expect(again.cursor).toBe(0);
    const [next] = await one.append([notification({})]);
    expect(next?.seq).toBe(5);
  });

  test('hear of an operator’s change and wishes, wherever they are', async () => {
    const [one, other] = [await open('one'), await open('other')];
    await settle(one, 'r', { cursor: 0 });
    const changes: unknown[][] = [[], []];
    for (const [index, journal] of [one, other].entries()) journal.subscribe((change) => changes[index]?.push(change));
    const store = await storeAt({
      url: postgres.url,
      schema,
      spool: folder,
      spoolSize: 1,
      name: 'x',
    }).openOperatorStore();
    await store.act({ who: 'tester', from: 'here' }, { route: 'r' }).pause('r');
    await store.askForProbe?.('r');
    await store.close();
    const expected = ['records', { probe: 'r' }];
    await until(() => changes.every(({ length }) => length >= 2), { what: 'both changes' });
    // Once, and not with each look: what is appended later is told later.
    await one.append([notification({})]);
    await until(() => changes.every((all) => all.includes('appended')), { what: 'the entry' });
    expect(changes.map((all) => all.filter((change) => change !== 'appended'))).toEqual([expected, expected]);
    expect([one, other].map((journal) => journal.pauseOf('r')?.who)).toEqual(['tester', 'tester']);
  });
});

/** Reads on from the beginning until there are so many, each time from where the last page ended. */
async function readUpTo(session: RouteSession | undefined, length: number) {
  const entries: Awaited<ReturnType<RouteSession['read']>>['entries'][number][] = [];
  let through = 0;
  await until(
    async () => {
      const page = await session?.read(through, 7, everything);
      entries.push(...(page?.entries ?? []));
      through = page?.through ?? 0;
      return entries.length >= length;
    },
    { what: `${length} entries`, interval: 1 },
  );
  return entries;
}
