import { expect, test } from '@jest/globals';
import { type Activity, type Live, statusOf } from '../../src/ops/status.ts';
import { nowView } from '../../src/page/now.ts';

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
