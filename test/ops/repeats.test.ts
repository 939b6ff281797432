import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pino, { type Logger } from 'pino';
import { Repeats } from '../../src/ops/repeats.ts';

let written: { msg: string; reason?: string; repeated?: number; route?: string }[];
let repeats: Repeats;
let log: Logger;

beforeEach(() => {
  jest.useFakeTimers();
  written = [];
  repeats = new Repeats();
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
    for (let number = 1; number <= 10; number += 1) log.warn({ reason: `reason ${number}` }, 'it failed');
    expect(written.map(({ reason }) => reason)).toEqual(['reason 1', 'reason 2', 'reason 3']);
    jest.advanceTimersByTime(10_000);
    expect(written).toHaveLength(4);
    expect(written[3]).toMatchObject({ level: 40, msg: 'it failed', reason: 'reason 10', repeated: 7 });
    log.warn('it failed');
    expect(written).toHaveLength(5);
  });

  test('are grouped for each route by itself, and for each message', () => {
    for (let number = 0; number < 5; number += 1) {
      log.child({ route: 'one' }).error('it failed');
      log.child({ route: 'two' }).error('it failed');
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

  test('are no reason to hold back what is said at info', () => {
    for (let number = 0; number < 10; number += 1) log.info('consuming');
    expect(written).toHaveLength(10);
  });
});
