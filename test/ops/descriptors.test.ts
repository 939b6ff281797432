import { describe, expect, test } from '@jest/globals';
import { fewDescriptors } from '../../src/ops/descriptors.ts';

const limits = (soft: number | string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                524288               files\n`;

describe('the files and connections that may be open', () => {
  test('are too few where links, routes and the daemon itself may have more', () => {
    expect(fewDescriptors([1, 50, 4], limits(200))).toEqual({ limit: 200, needed: 217 });
    expect(fewDescriptors([1, 50, 4], limits(217))).toBeNull();
  });

  test('are enough where there is no limit, or none that is known', () => {
    expect(fewDescriptors([1], limits('unlimited'))).toBeNull();
    expect(fewDescriptors([1], '')).toBeNull();
  });
});
