import { describe, expect, test } from '@jest/globals';
import { type AppendBug, appends } from './models/appends.ts';
import { explore } from './models/explore.ts';
import { type LeaseBug, leases } from './models/leases.ts';
import { type SettleBug, settlements } from './models/settlements.ts';

// What daemons and the database do at once, in every order: functions.test.ts shows that the database does it so. Each rule
// that is left out has cost somebody something: that the model finds it shows that it looks there.

describe('appends of several daemons', () => {
  test('are seen in the order of their numbers, none twice, and without gaps', () => {
    expect(explore(appends()).fault).toBeNull();
  });

  test.each<[AppendBug, string]>([
    ['serial', 'the reader has passed what it has not seen'],
    ['old snapshot', 'a number was given twice'],
    ['lock let go early', 'a number was given twice'],
    ['no look for ids', 'an id is there twice'],
  ])('would not be, with this bug: %s', (bug, what) => {
    expect(explore(appends(bug)).fault?.what).toBe(what);
  });
});

describe('a daemon', () => {
  test('delivers nothing once another one has its route, however long its calls take and it is stopped', () => {
    expect(explore(leases()).fault).toBeNull();
  });

  test.each<LeaseBug>([
    ...(['renewal without a lock', 'no second look', 'from the answer', 'no margin', 'wall clock'] as const),
    ...(['timer only', 'late answers', 'two calls at once'] as const),
  ])('would, with this bug: %s', (bug) => {
    expect(explore(leases(bug)).fault?.what).toBe('it delivers though the route is not its own');
  });
});

describe('what daemons settle', () => {
  test('is saved as it was told, and never by a session that is over', () => {
    expect(explore(settlements()).fault).toBeNull();
  });

  test.each<[SettleBug, string]>([
    ['no fence', 'what an old session wrote has changed something'],
    ['no epoch', 'what an old session wrote has changed something'],
    ['no lock', 'what an old session wrote has changed something'],
    ['more under the same number', 'what was promised is not saved'],
    ['no newer number', 'a record is not as it was told with the cursor'],
  ])('would not be, with this bug: %s', (bug, what) => {
    expect(explore(settlements(bug)).fault?.what).toBe(what);
  });
});
