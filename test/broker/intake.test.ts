import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, jest, test } from '@jest/globals';
import pino from 'pino';
import { Intake } from '../../src/broker/intake.ts';
import { ExponentialBackoff } from '../../src/common/async/loop.ts';
import { MemoryBudget } from '../../src/common/memory-budget.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { eventNamed } from '../../src/kazoo/catalogue.ts';
import type { Notification } from '../../src/notification/notification.ts';
import { createValidator } from '../../src/schema/validator.ts';
import { openJournal, unlimited } from '../support/journal.ts';
import { openForTest } from '../support/open-for-test.ts';
import { until } from '../support/until.ts';

const MiB = 1024 * 1024;
const silent = pino({ level: 'silent' });
const { open } = openForTest();

describe('intake', () => {
  test('commits a batch in parts where its messages unpack to far more than they weigh', async () => {
    const { intake, commits, acknowledged, source } = startIntake();
    const bomb = gzipSync(JSON.stringify({ 'Event-Name': 'low_balance', Filler: 'x'.repeat(1_000_000) }));
    for (let tag = 1; tag <= 40; tag += 1) intake.add(message(tag, bomb, 'gzip'), source);
    await intake.drained();
    expect(commits.flat()).toHaveLength(40);
    const sizes = commits.map((batch) => batch.reduce((sum, { json }) => sum + json.length, 0));
    expect(Math.max(...sizes)).toBeLessThan(10_000_000);
    expect(acknowledged.at(-1)).toBe(40);
    expect(acknowledged).toEqual(acknowledged.toSorted((one, other) => one - other));
  });

  test('lets the rest of the daemon have its turn between messages that take long and leave nothing', async () => {
    const { intake, commits, acknowledged, source } = startIntake();
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 20));
    const body = Buffer.from('{"Event-Name":');
    for (let tag = 1; tag <= 30; tag += 1) intake.add(message(tag, body), source);
    let turns = 0;
    const count = () => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    await intake.drained();
    clearImmediate(counting);
    jest.restoreAllMocks();
    expect(commits.flat()).toHaveLength(30);
    expect(acknowledged.at(-1)).toBe(30);
    expect(commits.length).toBeGreaterThanOrEqual(10);
    expect(turns).toBeGreaterThan(0);
  });

  test('commits at once after a pause, and then lets a batch fill for as long as it may linger', async () => {
    const { intake, source } = startIntake(Number.POSITIVE_INFINITY, { max: 3, linger: 60_000 });
    const body = Buffer.from('{"Event-Name":"low_balance"}');
    intake.add(message(1, body), source);
    intake.add(message(2, body), source);
    await until(() => intake.committed === 2, { what: 'the first commit' });
    intake.add(message(3, body), source);
    intake.add(message(4, body), source);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(intake.committed).toBe(2);
    intake.add(message(5, body), source);
    await until(() => intake.committed === 5, { what: 'the full batch' });
    intake.add(message(6, body), source);
    await intake.drained();
    expect(intake.committed).toBe(6);
  });

  test('takes a message that is larger than all that may be held while the journal takes nothing', async () => {
    const { intake, commits, acknowledged, source } = startIntake();
    intake.add(message(1, Buffer.alloc(66 * 1024 * 1024)), source);
    expect(intake.full).toBe(false);
    await intake.drained();
    expect(commits.flat()).toMatchObject([{ state: 'undecodable', problems: [{ keyword: 'size' }] }]);
    expect(acknowledged).toEqual([1]);
  });

  test('tries again within a second, however often the journal has taken nothing', async () => {
    const pauses: number[] = [];
    const { next } = ExponentialBackoff.prototype;
    const growth = jest.spyOn(ExponentialBackoff.prototype, 'next').mockImplementation(function (
      this: ExponentialBackoff,
    ) {
      pauses.push(next.call(this));
      return 0;
    });
    const { intake, source } = startIntake(0);
    intake.add(message(1, Buffer.from('{}')), source);
    await until(() => pauses.length >= 20, { what: 'twenty tries' });
    intake.abandon();
    growth.mockRestore();
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1_000);
  });

  test('goes on with whatever comes behind junk that unpacks to more than there is room for', async () => {
    const { journal, intake } = await startWithJournal(silent, { ...unlimited, maxSize: 16 * MiB, invalidShare: 0.25 });
    await journal.openRoute('r', 'now', 'quarantine');
    const source = { acknowledge: () => undefined, readOn: () => undefined };
    for (let tag = 1; tag <= 30; tag += 1) {
      const junk = gzipSync(JSON.stringify({ 'Event-Name': 'low_balance', N: tag, Filler: 'x'.repeat(MiB - 100) }));
      expect(junk.length).toBeLessThan(1_200);
      intake.add(message(tag, junk, 'gzip'), source);
    }
    intake.add(message(31, Buffer.from(JSON.stringify(eventNamed('low_balance')?.example))), source);
    await until(() => intake.committed === 31, { what: 'all to be committed' });
    await until(async () => (await journal.summary()).invalidBytes <= 4 * MiB, { what: 'the share to be kept' });
    const kept = await journal.find({ after: 0, limit: 40 });
    expect(kept.at(-1)).toMatchObject({ state: 'valid', header: { event: 'low_balance' } });
    expect((await journal.summary()).evicted.known).toBe(31 - kept.length);
  });

  test('takes equal bodies for what their message ids say, and tells in the log at debug what it drops', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'debug', base: null }, { write: (line: string) => void lines.push(line) });
    const { journal, intake } = await startWithJournal(log);
    const body = Buffer.from('{"Event-Name":"low_balance"}');
    const ids = ['a', 'b', 'a', undefined, undefined];
    for (const [tag, messageId] of ids.entries()) {
      intake.add({ ...message(tag + 1, body), messageId }, { acknowledge: () => undefined, readOn: () => undefined });
    }
    await intake.drained();
    const kept = (await journal.find({ after: 0, limit: 10 })).map(({ header }) => header.id);
    const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.startsWith('dropped a message'));
    expect(kept).toHaveLength(3);
    expect(told.map(({ level, id }) => [level, id])).toEqual([
      [20, kept[0]],
      [20, kept[2]],
    ]);
    const counts = intake.counts.byEvent.get('low_balance') ?? [];
    expect(counts[intake.counts.outcomes.indexOf('duplicate')]).toBe(2);
  });

  test('has no room once it holds half of what all may hold, and says when it has some again', async () => {
    const { intake, memory, acknowledged, source, readings } = startIntake();
    const size = 64 * 1024;
    memory.limit = 4 * MiB;
    for (let tag = 1; tag <= 31; tag += 1) intake.add(message(tag, Buffer.alloc(size)), source);
    expect(intake.hasRoom).toBe(true);
    intake.add(message(32, Buffer.alloc(size)), source);
    expect(intake.hasRoom).toBe(false);
    await intake.drained();
    expect(intake.hasRoom).toBe(true);
    expect(readings).toEqual(acknowledged);
    expect(memory.used).toBe(0);
  });

  test('takes one message after the other while others hold all that may be held', async () => {
    const { intake, memory, commits, acknowledged, source } = startIntake(Number.POSITIVE_INFINITY, {
      ...{ max: 500, linger: 60_000 },
    });
    memory.open().take(memory.limit);
    for (let tag = 1; tag <= 3; tag += 1) {
      expect(intake.hasRoom).toBe(true);
      intake.add(message(tag, Buffer.from('{}')), source);
      expect(intake.hasRoom).toBe(false);
      await until(() => intake.committed === tag, { what: `message ${tag}` });
    }
    expect(commits.map((batch) => batch.length)).toEqual([1, 1, 1]);
    expect(acknowledged).toEqual([1, 2, 3]);
    expect(memory.used).toBe(memory.limit);
  });

  test('gives back what it holds when it is closed, though the journal has not taken it', async () => {
    const { intake, memory, source } = startIntake(0);
    for (let tag = 1; tag <= 3; tag += 1) intake.add(message(tag, Buffer.alloc(1_000)), source);
    await until(() => intake.paused, { what: 'the journal to fail' });
    expect(memory.used).toBeGreaterThan(3_000);
    intake.abandon();
    await intake.drained();
    intake.close();
    expect(memory.used).toBe(0);
  });

  test('is read from while the journal takes nothing, so that the link sees heartbeats and what is too much', async () => {
    const { intake, source, readings } = startIntake(0);
    for (let tag = 1; tag <= 9; tag += 1) intake.add(message(tag, Buffer.alloc(1024 * 1024)), source);
    expect([intake.hasRoom, intake.full]).toEqual([false, false]);
    await until(() => intake.paused, { what: 'the journal to fail' });
    expect(intake.trouble).toBe('disk on fire');
    expect([intake.hasRoom, intake.full]).toEqual([true, true]);
    expect(readings).toEqual([0]);
    intake.abandon();
  });

  test('acknowledges nothing beyond the part that was committed', async () => {
    const { intake, commits, acknowledged, source } = startIntake(1);
    const large = Buffer.from(JSON.stringify({ 'Event-Name': 'low_balance', Filler: 'x'.repeat(900_000) }));
    for (let tag = 1; tag <= 20; tag += 1) intake.add(message(tag, large), source);
    intake.abandon();
    await intake.drained();
    expect(acknowledged).toEqual(commits.length === 0 ? [] : [commits.flat().length]);
  });

  test('keeps a body whose every key is there twice small, in problems and in secrets', async () => {
    const { intake, commits, source } = startIntake();
    const key = '~'.repeat(200_000);
    const items = Array.from({ length: 2_000 }, () => '{"a":1,"A":2,"token":"t"}').join(',');
    intake.add(message(1, Buffer.from(`{"Event-Name":"low_balance","${key}":[${items}]}`)), source);
    await intake.drained();
    const [notification] = commits.flat();
    expect(notification?.state).toBe('invalid');
    expect(notification?.problems.length).toBeLessThanOrEqual(40);
    expect(JSON.stringify(notification?.problems).length).toBeLessThan(20_000);
    expect(JSON.stringify(notification?.secrets).length).toBeLessThan(200_000);
    expect(notification?.json).not.toContain('"t"');
  });
});

const options = {
  batch: { max: 500, linger: 5 },
  maxBodySize: 1024 * 1024,
  maxBodyMembers: 20_000,
};

const policy = { validator: createValidator([]), reveals: () => ['~'.repeat(200_000)] };

/** @param failing how many commits work before the journal fails for good; none fails by default */
function startIntake(failing = Number.POSITIVE_INFINITY, batch = options.batch) {
  const commits: Notification[][] = [];
  const acknowledged: number[] = [];
  const journal = {
    append: async (batch: Notification[]) => {
      if (commits.length >= failing) throw new Error('disk on fire');
      commits.push([...batch]);
      return [];
    },
  } as unknown as Journal; // intake only appends
  const memory = new MemoryBudget(17 * MiB);
  const intake = new Intake({ ...options, batch }, policy, { appender: journal, memory, log: silent });
  open.push({ close: async () => intake.close() });
  /** What was acknowledged last, each time that it could be read on. */
  const readings: number[] = [];
  const source = {
    acknowledge: (tag: number) => void acknowledged.push(tag),
    readOn: () => void readings.push(acknowledged.at(-1) ?? 0),
  };
  return { intake, memory, commits, acknowledged, source, readings };
}

/** With a journal of its own; both are gone after the test. */
async function startWithJournal(log: pino.Logger, limits = unlimited) {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-intake-'));
  const journal = await openJournal(folder, log, limits);
  const memory = new MemoryBudget(17 * MiB);
  const intake = new Intake(options, policy, { appender: journal, memory, log });
  open.push({ close: async () => rmSync(folder, { recursive: true }) }, journal);
  open.push({ close: async () => intake.abandon() });
  return { journal, intake };
}

function message(deliveryTag: number, body: Buffer, contentEncoding?: string) {
  return {
    deliveryTag,
    body,
    digest: undefined,
    messageId: undefined,
    routingKey: 'notifications.account.low_balance',
    contentEncoding,
    timestamp: undefined,
    zone: 'west',
    receivedAt: 0,
  };
}
