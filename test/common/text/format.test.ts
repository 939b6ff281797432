import { expect, test } from '@jest/globals';
import { piecesOf, truncateUtf8 } from '../../../src/common/text/format.ts';

test('a text that is cut keeps as many whole characters as have room', () => {
  const text = 'aé€😀';
  const all = Array.from({ length: 12 }, (_, most) => truncateUtf8(text, most));
  expect(all).toEqual(['', 'a', 'a', 'aé', 'aé', 'aé', 'aé€', 'aé€', 'aé€', 'aé€', text, text]);
});

test('lines become pieces that are neither large nor small, each with whole lines', () => {
  const lines = Array.from({ length: 4_000 }, (_, index) => `${String(index).repeat(40)}\n`);
  const pieces = [...piecesOf(lines)];
  expect(pieces.join('')).toBe(lines.join(''));
  for (const piece of pieces) expect(piece).toMatch(/\n$/);
  for (const { length } of pieces) expect(length).toBeLessThan(66_000);
  expect(pieces.length).toBeLessThan(12);
  expect([...piecesOf([])]).toEqual([]);
  expect([...piecesOf(['x'.repeat(100_000)])]).toHaveLength(1);
});
