import { expect, test } from '@jest/globals';
import { Slots } from '../../../src/common/async/slots.ts';

test('a bag holds what was put in until it is taken out, and uses places again', () => {
  const bag = new Slots<{ readonly name: string }>();
  const takeOut = ['a', 'b', 'c'].map((name) => bag.add({ name }));
  takeOut[1]?.();
  expect([bag.size, names()]).toEqual([2, ['a', 'c']]);
  bag.add({ name: 'd' });
  // What stands in its place now is somebody else's.
  takeOut[1]?.();
  expect([bag.size, names()]).toEqual([3, ['a', 'd', 'c']]);
  bag.clear();
  takeOut[0]?.();
  expect([bag.size, names()]).toEqual([0, []]);

  function names(): string[] {
    return [...bag].map(({ name }) => name);
  }
});

test('what is taken out while a bag is gone through is passed over', () => {
  const bag = new Slots<() => void>();
  const called: number[] = [];
  bag.add(() => {
    called.push(1);
    leave();
  });
  const leave = bag.add(() => called.push(2));
  for (const call of bag) call();
  expect(called).toEqual([1]);
});
