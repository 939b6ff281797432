import { describe, expect, test } from '@jest/globals';
import { readHours } from '../../../src/common/text/hours.ts';

/** By the local clock; the 23rd of November 2026 is a Monday. */
function at(day: number, hour: number, minute = 0): number {
  return new Date(2026, 10, 22 + day, hour, minute).getTime();
}

describe('hours', () => {
  test.each<[string, number[], number[]]>([
    ['08:00-18:00', [at(0, 8), at(3, 17, 59)], [at(0, 7, 59), at(3, 18)]],
    ['22:00-06:00', [at(1, 22), at(1, 5, 59)], [at(1, 21, 59), at(1, 6)]],
    ['18:00-00:00', [at(1, 18), at(1, 23, 59)], [at(1, 0), at(1, 17, 59)]],
    ['Mon-Fri', [at(1, 0), at(5, 23, 59)], [at(0, 12), at(6, 12)]],
    ['Sat-Mon', [at(6, 0), at(0, 12), at(1, 23)], [at(2, 0), at(5, 23)]],
    ['Wed', [at(3, 12)], [at(2, 12), at(4, 12)]],
    ['Mon-Fri 08:00-18:00', [at(1, 8), at(5, 17)], [at(1, 7), at(6, 8)]],
  ])('%s are these, and no others', (text, inside, outside) => {
    const isInside = readHours(text);
    expect(inside.map((time) => isInside?.(time))).toEqual(inside.map(() => true));
    expect(outside.map((time) => isInside?.(time))).toEqual(outside.map(() => false));
  });

  test.each(['', ' ', 'Mon ', 'Mon-', 'mon', '8-18', '08:00', '08:00-24:00', '08:60-09:00', 'Mon08:00-09:00', ' Mon'])(
    'are not %j',
    (text) => {
      expect(readHours(text)).toBeUndefined();
    },
  );
});
