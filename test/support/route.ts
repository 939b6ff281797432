import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pino from 'pino';
import { MemoryBudget } from '../../src/common/memory-budget.ts';
import { type Route, type RouteOptions, startRoute } from '../../src/delivery/route.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { storeAt } from '../../src/journal/open.ts';
import type { Attempt, RouteSession, Start } from '../../src/journal/route-session.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import { delivered, type Outcome, type Sink } from '../../src/sinks/sink.ts';
import { openJournal, unlimited } from './journal.ts';
import { notification } from './notification.ts';
import { type Operating, operating } from './operator.ts';
import { sessionOf } from './sessions.ts';
import { until } from './until.ts';

/** A real journal with one route, whose sink does what the test says. */
export interface TestRoute {
  readonly journal: Journal;
  /** The route's own. */
  readonly session: RouteSession;
  readonly route: Route;
  /** An operator's, beside the route. */
  readonly store: Operating;
  /** What its journal and the route may hold in memory: 16 MiB. */
  readonly memory: MemoryBudget;
  /** Messages and reasons of the log, oldest first. */
  readonly logged: string[];
  /** The ids of each call of the sink, oldest first. */
  readonly calls: string[][];
  /** The ids that the sink has confirmed, oldest first. */
  readonly confirmed: string[];
  /** What the sink answers, one function for each delivery; it may be changed at any time. */
  answer: (delivery: Delivery, signal: AbortSignal) => Outcome | Promise<Outcome>;
  /** Appends notifications of these accounts, and returns their ids. */
  append(...accounts: (string | null)[]): Promise<string[]>;
  /** The lines of the deliveries table, oldest first. */
  lines(): { id: string; state: string; reason: string; attempts: Attempt[]; due_at: number | null }[];
  /** Waits until the table has nothing left that waits, and the cursor stands at the end. */
  settled(interval?: number): Promise<void>;
  /** Puts the cursor back to the start, where a crash may have left it. */
  rewind(): void;
  /** Does something to the journal behind its back. */
  execute(sql: string): void;
  /** Stops route and journal, and starts both again, with other options where some are given. */
  restart(changed?: Partial<TestOptions>, deadline?: AbortSignal): Promise<void>;
  /** Leaves the journal as it is on disk now, whatever is under way, and starts it and the route again. */
  crash(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Short, so that no test waits for what an operator does; an operator's next step may still come before a look. */
const lookEvery = 50;

export async function startTestRoute(options: Partial<TestOptions> = {}, sink: Partial<Sink> = {}): Promise<TestRoute> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-route-'));
  const logged: string[] = [];
  const log = pino({ level: 'info', base: null }, { write: (line: string) => void logged.push(line) });
  const calls: string[][] = [];
  const confirmed: string[] = [];

  const deliver: Sink['deliver'] = async (batch, signal) => {
    calls.push(batch.map(({ header }) => header.id));
    return Promise.all(
      batch.map(async (delivery) => {
        const outcome = await test.answer(delivery, signal);
        if (outcome.status === 'delivered') confirmed.push(delivery.header.id);
        return outcome;
      }),
    );
  };
  const memory = new MemoryBudget(16 * 1024 * 1024);
  const start = async (changed: Partial<TestOptions> = {}) => {
    const all = { ...routeOptions, ...options, ...changed };
    session = await sessionOf(journal, all.name, all.start, all.invalid);
    const openSink = async () => ({ deliver, close: async () => undefined, ...sink });
    return startRoute(all, { session, events: journal, memory, log, openSink });
  };
  const rows = (sql: string) => {
    const database = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };

  let journal = await openJournal(folder, log, unlimited, { lookEvery, memory });
  let session: RouteSession;
  let route = await start();
  let store = operating(await storeAt({ path: folder }).openOperatorStore());
  const end = async () => {
    await route.stop(AbortSignal.abort());
    // A journal that a test has broken saves nothing.
    await session.close().catch(() => undefined);
    await journal.close();
    await store.close();
  };
  const test: TestRoute = {
    get journal() {
      return journal;
    },
    get session() {
      return session;
    },
    get route() {
      return route;
    },
    get store() {
      return store;
    },
    memory,
    logged,
    calls,
    confirmed,
    answer: () => delivered,
    async append(...accounts) {
      const batch = accounts.map((accountId) => notification({ accountId }));
      await journal.append(batch);
      return batch.map(({ header }) => header.id);
    },
    lines: () =>
      rows(
        'SELECT id, d.state, d.reason, attempts, due_at FROM deliveries d JOIN notifications USING (seq) ORDER BY seq',
      ).map((row) => ({ ...row, attempts: JSON.parse(String(row.attempts)) })) as ReturnType<TestRoute['lines']>,
    async settled(interval = 20) {
      await until(
        () => {
          const [{ cursor, last, waiting } = {}] = rows(`
            SELECT (SELECT min(cursor) FROM routes) AS cursor, (SELECT max(seq) FROM notifications) AS last,
              (SELECT count(*) FROM deliveries WHERE state = 'waiting') AS waiting`);
          return cursor === last && waiting === 0;
        },
        { what: 'everything to be settled', interval },
      );
    },
    rewind: () => test.execute('UPDATE routes SET cursor = 0'),
    execute(sql) {
      using database = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 5_000 });
      database.exec(sql);
    },
    async restart(changed = {}, deadline = AbortSignal.timeout(5_000)) {
      await route.stop(deadline);
      await session.close();
      await journal.close();
      journal = await openJournal(folder, log, unlimited, { lookEvery, memory });
      route = await start(changed);
    },
    async crash() {
      const files = ['journal.sqlite', 'journal.sqlite-wal'].map((name) => join(folder, name)).filter(existsSync);
      const left = files.map((file) => [file, readFileSync(file)] as const);
      await end();
      for (const [file, bytes] of left) writeFileSync(file, bytes);
      store = operating(await storeAt({ path: folder }).openOperatorStore());
      journal = await openJournal(folder, log, unlimited, { lookEvery, memory });
      route = await start();
    },
    async close() {
      await end();
      rmSync(folder, { recursive: true });
    },
    [Symbol.asyncDispose]: () => test.close(),
  };
  return test;
}

interface TestOptions extends RouteOptions {
  /** Where it begins if the journal doesn't know it yet. */
  readonly start: Start;
}

/** Of a route that wants all, and tries again soon. */
export const routeOptions: TestOptions = {
  name: 'tested',
  events: [],
  accounts: [],
  zones: [],
  previews: 'skip',
  invalid: 'quarantine',
  resends: 'skip',
  unknown: 'deliver',
  start: 'earliest',
  order: 'none',
  reveal: [],
  retry: { schedule: [20, 20], maxWait: 60_000 },
  circuit: { failures: 3, maxPause: 100 },
  timeout: 10_000,
  flow: { batch: { max: 1, linger: 0 }, concurrency: 4 },
};
