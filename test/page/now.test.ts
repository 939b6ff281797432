import { expect, test } from '@jest/globals';
import { type Activity, type Live, type RouteStatus, statusOf } from '../../src/ops/status.ts';
import { nowView, stateOf } from '../../src/page/now.ts';

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

const secret = 'no space left on /srv/geheim';
const since = '2026-11-24T08:00:00Z';
const activity: Activity = {
  ...{ inFlight: 0, conditionFailures: 0, conditionTrouble: null, paused: null, interrupted: secret, circuitSince: 1 },
  ...{ circuit: 'open', refusedAccounts: 0, trouble: { reason: secret, code: 503 }, probeIn: 0 },
};
const broker = { zone: 'west', broker: 'b:5672', vhost: '/', since, code: null, rate: 1, received: 1, reason: secret };
const live: Live = {
  ...{ startedAt: 1, http: null, journalProblem: secret, degraded: null, doubt: null, activityOf: () => activity },
  brokers: [
    { ...broker, state: 'consuming', paused: true },
    { ...broker, state: 'away', paused: false },
  ],
};
const config = {
  ...{ file: 'relay.yaml', name: 'alpha', journal: { path: '/j', maxSize: 1, invalidShare: 1 } },
  routes: [{ name: 'crm', sink: { type: 'file' } }],
};

test.each([
  ['who is logged in', new Map(), true],
  ['others', null, false],
] as const)('reasons are for who is logged in, states for everybody: %s', (_who, reasons, isShown) => {
  const { text } = nowView(statusOf(config, secret, live, null), null, reasons).body;
  expect(text.includes('geheim')).toBe(isShown);
  for (const state of ['The journal, 2 of 2 brokers and 1 of 1 route need you', 'interrupted', 'paused', 'away'])
    expect(text).toContain(state);
});
