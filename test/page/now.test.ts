import { expect, test } from '@jest/globals';
import type { RouteStatus } from '../../src/ops/status.ts';
import { stateOf } from '../../src/page/now.ts';

const closed = { state: 'closed', since: '', reason: null, code: null, next_probe: null } as const;
const route: RouteStatus = {
  ...{ name: 'r', sink: 'webhook', delivered: null, in_flight: 0, cursor: 1, lag: { messages: 0, seconds: 0 } },
  ...{ waiting: 0, collecting: 0, quarantined: 0, dead: 0, unseen: 0, paused: null, holder: null },
  ...{ condition_failures: 0, condition_trouble: null, interrupted: null, circuit: closed, refused_accounts: 0 },
};

test.each<[string, Partial<RouteStatus>]>([
  ['delivering', {}],
  ['retrying', { waiting: 2 }],
  ['collecting', { waiting: 2, collecting: 2 }],
  ['retrying', { waiting: 3, collecting: 2 }],
  ['sink away', { waiting: 2, collecting: 2, circuit: { ...closed, state: 'open' } }],
])('a route is said to be %s, by what waits and why', (word, changed) => {
  expect(stateOf({ ...route, ...changed }).text).toContain(`>${word}<`);
});
