import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pino, { type Logger } from 'pino';
import { LogDeduplicator } from '../../src/ops/log-deduplicator.ts';

let written: { msg: string; reason?: string; number?: number; repeated?: number; route?: string }[];
let repeats: LogDeduplicator;
let log: Logger;

beforeEach(() => {
  jest.useFakeTimers();
  written = [];
  repeats = new LogDeduplicator();
  const hooks: pino.LoggerOptions['hooks'] = {
    logMethod(args, write, level) {
      repeats.pass(args, level, this, (line) => write.apply(this, line));
    },
  };
  log = pino({ base: null, hooks }, { write: (line: string) => void written.push(JSON.parse(line)) });
});

afterEach(() => void jest.useRealTimers());

describe('warnings that repeat themselves', () => {
  test('become one line with their number, after the first three within ten seconds', () => {
    for (let number = 1; number <= 10; number += 1) log.warn({ number, reason: 'away' }, 'it failed');
    expect(written.map(({ number }) => number)).toEqual([1, 2, 3]);
    jest.advanceTimersByTime(10_000);
    expect(written).toHaveLength(4);
    expect(written[3]).toMatchObject({ level: 40, msg: 'it failed', reason: 'away', number: 10, repeated: 7 });
    log.warn({ reason: 'away' }, 'it failed');
    expect(written).toHaveLength(5);
  });

  test('are told apart by their reasons, whatever field holds them', () => {
    for (let number = 0; number < 3; number += 1) {
      for (const reason of ['refused', 'timed out', 'reset']) log.warn({ reason }, 'it failed');
      for (const text of ['one', 'two']) log.warn({ warning: text }, 'it is odd');
      for (const text of ['one', 'two']) log.error({ err: new Error(text) }, 'it broke');
    }
    log.warn({ reason: 'no route' }, 'it failed');
    expect(written).toHaveLength(22);
    expect(written.at(-1)).toMatchObject({ msg: 'it failed', reason: 'no route' });
  });

  test('become few lines also where each has a reason of its own, and are told apart again afterwards', () => {
    for (let number = 1; number <= 1_000; number += 1) log.warn({ reason: `port ${number}` }, 'it failed');
    expect(written.map(({ reason }) => reason)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((number) => `port ${number}`));
    jest.advanceTimersByTime(10_000);
    expect(written).toHaveLength(9);
    expect(written[8]).toMatchObject({ reason: 'port 1000', repeated: 992 });
    for (const reason of ['refused', 'refused', 'refused', 'reset']) log.warn({ reason }, 'it failed');
    expect(written).toHaveLength(13);
  });

  test('are grouped for each route by itself, and for each message', () => {
    for (let number = 0; number < 5; number += 1) {
      log.child({ route: 'one' }).error('it failed');
      log.error({ route: 'two' }, 'it failed');
      log.error('it broke');
    }
    expect(written).toHaveLength(9);
    repeats.close();
    expect(written.slice(9).map(({ route, msg, repeated }) => ({ route, msg, repeated }))).toEqual([
      { route: 'one', msg: 'it failed', repeated: 2 },
      { route: 'two', msg: 'it failed', repeated: 2 },
      { route: undefined, msg: 'it broke', repeated: 2 },
    ]);
  });

  test('are grouped with what says that they are over, and the last line tells how things are', () => {
    for (const ends of ['it takes nothing', 'it takes again']) {
      written = [];
      for (let number = 0; number < 20; number += 1) {
        log.error({ reason: 'full' }, 'it takes nothing');
        if (number < 19 || ends === 'it takes again') log.info({ seconds: number }, 'it takes again');
      }
      expect(written).toHaveLength(6);
      jest.advanceTimersByTime(10_000);
      expect(written).toHaveLength(8);
      expect(written.at(-1)).toMatchObject({ msg: ends, repeated: expect.any(Number) });
    }
  });

  test('are no reason to hold back what is said at info, each time with another text, or at debug', () => {
    for (let number = 0; number < 10; number += 1) {
      log.info({ statement: `CREATE ${number}` }, 'changing the database');
      log.info({ changes: { added: [] } }, 'reloaded');
      log.debug('a step');
    }
    expect(written).toHaveLength(20);
  });
});
