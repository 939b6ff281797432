import { describe, expect, test } from '@jest/globals';
import { readArguments } from '../../bench/compare/compare.ts';
import { coresIn } from '../../bench/compare/cores.ts';
import { delivery, framesIn } from '../../bench/compare/frames.ts';
import { inWords, judge, medianOf } from '../../bench/compare/judge.ts';

describe('comparing two builds', () => {
  test('the interval of a median leaves out as many rounds at each end as 95 % allow', () => {
    const upTo = (count: number) => Array.from({ length: count }, (_, index) => count - index);
    // From the tables of the sign test.
    expect(medianOf(upTo(6))).toEqual({ median: 3.5, min: 1, max: 6 });
    expect(medianOf(upTo(11))).toEqual({ median: 6, min: 2, max: 10 });
    expect(medianOf(upTo(20))).toEqual({ median: 10.5, min: 6, max: 15 });
  });

  const quiet = { median: 1, min: 0.995, max: 1.004 };
  const at = (median: number) => ({ median, min: median - 0.01, max: median + 0.01 });

  test.each([
    [1.03, 'slower'],
    [1.016, 'slower'],
    [1.014, 'no slower'],
    [1, 'no slower'],
    [0.986, 'no slower'],
    [0.984, 'faster'],
  ])('a median of %p is %s, where noise is 0.5 % and the threshold 1 %', (median, is) => {
    expect(judge(at(median), quiet, 0.01)).toMatchObject({ is, isBlind: false });
  });

  test('noise is what the old build differs by from itself, in either direction', () => {
    expect(judge(at(1.02), { median: 1, min: 0.97, max: 1.01 }, 0)).toMatchObject({ is: 'no slower', isBlind: true });
    expect(judge(at(1.04), { median: 1, min: 0.99, max: 1.03 }, 0)).toMatchObject({ is: 'slower', isBlind: true });
  });

  test('the verdict says how much it is, against what, and where that was too coarse', () => {
    const words = (ratio: number, control = quiet) =>
      inWords(at(ratio), control, judge(at(ratio), control, 0.01), 0.01);
    expect(words(1.03)).toBe(
      'NEW/OLD 1.030 (1.020–1.040), OLD/OLD 1.000 (0.995–1.004): slower: +3.0 %, beyond noise (0.5 %) and threshold (1.0 %)',
    );
    expect(words(0.995)).toMatch(/: no slower: −0\.5 %, within noise \(0\.5 %\) and threshold \(1\.0 %\)$/);
    expect(words(1.01, { median: 1, min: 0.97, max: 1.01 })).toMatch(/; a change of 3\.0 % may go unseen: more rounds/);
  });
});

describe('its arguments', () => {
  test('have defaults for all but the two builds', () => {
    const given = { old: 'v1', new: '.', rounds: 11, threshold: 0.01, routes: 1, scale: 1 };
    expect(readArguments(['v1', '.'])).toEqual(given);
    expect(readArguments(['v1', '.', '--routes', '3', '--rounds', '6', '--threshold', '0.5'])).toEqual({
      ...given,
      routes: 3,
      rounds: 6,
      threshold: 0.005,
    });
    expect(readArguments(['--help'])).toBeNull();
  });

  test.each([
    [['v1'], /takes two builds or commits, not 1/],
    [['v1', 'v2', 'v3'], /takes two builds or commits, not 3/],
    [['v1', 'v2', '--rounds', '5'], /--rounds must be a whole number from 6 on, not "5"/],
    [['v1', 'v2', '--routes', '1.5'], /--routes must be a whole number/],
    [['v1', 'v2', '--threshold', '-1'], /threshold/],
    [['v1', 'v2', '--threshold', ''], /--threshold must be a number of percent, 0 or more, not ""/],
    [['v1', 'v2', '--scale', '0'], /--scale must be a number above 0/],
    [['v1', 'v2', '--round', '3'], /--round/],
  ])('%j is refused', (args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });
});

test('cores are those that the process may run on', () => {
  expect(coresIn('Name:\tnode\nCpus_allowed_list:\t0-2,5,8-9\nMems_allowed_list:\t0\n')).toEqual([0, 1, 2, 5, 8, 9]);
  expect(coresIn('Cpus_allowed_list:\t3\n')).toEqual([3]);
});

test('frames are taken as they become whole', () => {
  const message = { routingKey: 'notifications.voicemail.new', timestamp: 1, body: Buffer.from('{}') };
  const bytes = delivery(1, { tag: 7, consumer: 'replay', exchange: 'notifications' }, message);
  const whole = framesIn(bytes);
  expect(whole.frames.map(({ type, channel }) => [type, channel])).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
  expect(whole.frames[2]?.payload.toString()).toBe('{}');
  expect(whole.rest.length).toBe(0);
  for (let cut = 0; cut < bytes.length; cut += 1) {
    const before = framesIn(bytes.subarray(0, cut));
    const after = framesIn(Buffer.concat([before.rest, bytes.subarray(cut)]));
    expect([...before.frames, ...after.frames]).toEqual(whole.frames);
  }
});
