import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pino from 'pino';
import { MemoryBudget } from '../../src/common/memory-budget.ts';
import { startRoute } from '../../src/delivery/route.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { RouteSession } from '../../src/journal/route-session.ts';
import { LeasedRoute } from '../../src/relay/leased-route.ts';
import { delivered, type Outcome, type Sink } from '../../src/sinks/sink.ts';
import { openJournal } from '../support/journal.ts';
import { notification } from '../support/notification.ts';
import { routeOptions } from '../support/route.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });
let folder: string;
let journal: Journal;
let leased: LeasedRoute;
let sessions: RouteSession[];
let calls: string[][];
let answer: (signal: AbortSignal) => Promise<Outcome>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-leased-'));
  journal = await openJournal(folder, log);
  [sessions, calls, answer] = [[], [], async () => delivered];
});

afterEach(async () => {
  await leased.stop(AbortSignal.abort());
  await journal.close();
  rmSync(folder, { recursive: true });
});

test('a route that somebody else has yet misses nothing, and runs as soon as it is ours', async () => {
  const other = await (await journal.openRoute('tested', 'now')).session();
  await lease();
  const ids = await append(2);
  expect([leased.route, sessions]).toEqual([undefined, []]);
  await other.close();
  await until(() => calls.length === 2, { what: 'both deliveries' });
  expect(calls.flat()).toEqual(ids);
});

test('a route that stops while somebody else has it waits no longer', async () => {
  const other = await (await journal.openRoute('tested', 'now')).session();
  await lease();
  await leased.stop(AbortSignal.timeout(60_000));
  await other.close();
  expect(sessions).toEqual([]);
});

test('a route whose session is lost cuts off what is with the sink, and begins again with the next session', async () => {
  // With SQLite that comes to pass with the end of the journal alone.
  const losing = new AbortController();
  await lease((session) => Object.defineProperty(session, 'lost', { value: losing.signal }));
  answer = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const [id] = await append(1);
  await until(() => calls.length === 1, { what: 'its try' });
  answer = async () => delivered;
  losing.abort(new Error('another daemon has it'));
  await until(() => calls.length === 2, { what: 'its next try' });
  expect(calls).toEqual([[id], [id]]);
  expect(sessions).toHaveLength(2);
});

test('a route that another daemon should have finishes what is with the sink, and waits for its turn again', async () => {
  const recalling = new AbortController();
  await lease((session) => Object.defineProperty(session, 'recalled', { value: recalling.signal }));
  const { promise: answered, resolve: answerIt } = Promise.withResolvers<Outcome>();
  answer = () => answered;
  const [first] = await append(1);
  await until(() => calls.length === 1, { what: 'its try' });
  recalling.abort();
  const [second] = await append(1);
  expect(sessions).toHaveLength(1);
  answerIt(delivered);
  await until(() => calls.length === 2, { what: 'the delivery of the next session' });
  expect([calls, sessions.length]).toEqual([[[first], [second]], 2]);
});

test('a route that can’t be started is interrupted, and runs as soon as it can be', async () => {
  let isBroken = true;
  await lease((session) => {
    const { wakeAll } = session;
    const breakable = async () => (isBroken ? Promise.reject(new Error('not now')) : wakeAll.call(session));
    return Object.defineProperty(session, 'wakeAll', { value: breakable });
  });
  const [id] = await append(1);
  await until(() => leased.snapshot !== undefined, { what: 'why it does not run' });
  expect(leased.snapshot).toMatchObject({ stuck: false, activity: { interrupted: 'not now', inFlight: 0 } });
  isBroken = false;
  await until(() => calls.length === 1, { what: 'the delivery' });
  expect([calls, leased.snapshot?.activity.interrupted]).toEqual([[[id]], undefined]);
});

/** @param change what becomes of the first session */
async function lease(change = (session: RouteSession) => session): Promise<void> {
  const place = await journal.openRoute('tested', 'now');
  const session = async (signal?: AbortSignal) => {
    const next = await place.session(signal);
    sessions.push(next);
    return sessions.length === 1 ? change(next) : next;
  };
  const openSink = async () => ({ deliver, close: async () => undefined });
  const context = { events: journal, memory: new MemoryBudget(Number.POSITIVE_INFINITY), log, openSink };
  const start = (own: RouteSession) => startRoute(routeOptions, { ...context, session: own });
  leased = new LeasedRoute({ session }, start, log);
}

const deliver: Sink['deliver'] = (batch, signal) => {
  calls.push(batch.map(({ header }) => header.id));
  return Promise.all(batch.map(() => answer(signal)));
};

async function append(count: number): Promise<string[]> {
  const fresh = await journal.append(Array.from({ length: count }, () => notification({})));
  return fresh.map(({ header }) => header.id);
}
