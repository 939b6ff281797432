import { expect, test } from '@jest/globals';
import { cut } from '../../../src/common/text/truncate-utf8.ts';

test('a text that is cut keeps as many whole characters as have room', () => {
  const text = 'aé€😀';
  const all = Array.from({ length: 12 }, (_, most) => cut(text, most));
  expect(all).toEqual(['', 'a', 'a', 'aé', 'aé', 'aé', 'aé€', 'aé€', 'aé€', 'aé€', text, text]);
});
