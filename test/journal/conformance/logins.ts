import { expect, test } from '@jest/globals';
import type { Tested } from './stores.ts';

const hour = 3_600_000;
const anna = { name: 'anna', role: 'reader', mark: 'digest' } as const;
const linked = { name: 'page link', role: 'operator', mark: null } as const;

export function logins(tested: Tested): void {
  test('keeps logins by kind and key, and gives each that ends to one alone', async () => {
    const { logins: kept } = tested.journal;
    await kept.add('session', 'a', anna, hour, 10);
    await kept.add('link', 'b', linked, hour, 10);
    expect([await kept.find('session', 'a'), await kept.find('link', 'b')]).toEqual([anna, linked]);
    expect([await kept.find('link', 'a'), await kept.find('session', 'b'), await kept.find('link', 'c')]).toEqual([
      ...[null, null, null],
    ]);
    const taken = await Promise.all([kept.take('link', 'b'), kept.take('link', 'b'), kept.take('link', 'c')]);
    expect(taken.toSorted()).toEqual([linked, null, null]);
    expect(await kept.find('link', 'b')).toBeNull();
  });

  test('keeps a login for its life, which begins again when it is used', async () => {
    const { logins: kept } = tested.journal;
    await kept.add('session', 'over', anna, 0, 10);
    expect([await kept.find('session', 'over', hour), await kept.take('session', 'over')]).toEqual([null, null]);
    await kept.add('session', 'a', anna, hour, 10);
    expect(await kept.find('session', 'a', 2 * hour)).toEqual(anna);
    expect(await kept.find('session', 'a', 0)).toEqual(anna);
    expect(await kept.find('session', 'a')).toBeNull();
  });

  test('keeps as many of a kind as it is told: the oldest end', async () => {
    const { logins: kept } = tested.journal;
    await kept.add('link', 'other', linked, hour, 3);
    for (const key of ['a', 'b', 'c', 'd']) await kept.add('session', key, anna, hour, 3);
    const found = await Promise.all(['a', 'b', 'c', 'd'].map((key) => kept.find('session', key)));
    expect(found).toEqual([null, anna, anna, anna]);
    expect(await kept.find('link', 'other')).toEqual(linked);
  });
}
