import { expect, test } from '@jest/globals';
import { truncateUtf8 } from '../../../src/common/text/format.ts';

test('a text that is cut keeps as many whole characters as have room', () => {
  const text = 'aé€😀';
  const all = Array.from({ length: 12 }, (_, most) => truncateUtf8(text, most));
  expect(all).toEqual(['', 'a', 'a', 'aé', 'aé', 'aé', 'aé€', 'aé€', 'aé€', 'aé€', text, text]);
});
