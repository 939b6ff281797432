import { expect, test } from '@jest/globals';
import type { EventGroup } from '../../src/journal/operator-store.ts';
import type { RouteStatus } from '../../src/ops/status.ts';
import { confirmView, groupsView } from '../../src/page/failures.ts';

const hour = 3_600_000;
const group: EventGroup = {
  ...{ route: 'crm', state: 'waiting', reason: 'answered 503', event: 'low_balance', example: null, nextTry: null },
  ...{ count: 7, first: 1, last: 2 },
};
const closed = { state: 'closed', since: '', reason: null, code: null, next_probe: null } as const;
const paused = { since: '2026-11-24T08:00:00Z', by: 'anna' };

test.each<[string, Partial<EventGroup>, object, RegExp | null]>([
  ['due', { nextTry: { at: 1, isLater: false } }, { circuit: closed }, /Next try: now\.$/],
  [
    'due later',
    { nextTry: { at: Date.now() + hour, isLater: false } },
    { circuit: closed },
    /Next try: .*, in (60 min|1 h)/,
  ],
  [
    'not among the first',
    { nextTry: { at: Date.now() + hour, isLater: true } },
    {},
    /Next try: after .*; others of the route/,
  ],
  ['behind another one', {}, {}, /Next try: after an earlier one of the same account\.$/],
  [
    'of a sink that is away',
    {},
    { circuit: { ...closed, state: 'open', next_probe: 8 } },
    /away \(circuit open\); .* in 8 s\.$/,
  ],
  ['of a sink that is probed', {}, { circuit: { ...closed, state: 'probing' } }, /is being probed now\.$/],
  [
    'of a route that is paused',
    {},
    { paused, circuit: { ...closed, state: 'open' } },
    /when the route is resumed; .* anna\.$/,
  ],
  ['of a route that is gone', { route: 'old', nextTry: { at: 1, isLater: false } }, {}, /Next try: now\.$/],
  ['dead', { state: 'dead' }, { circuit: closed }, null],
])('a card says when the next try of what waits is, or what is in its way: %s', (_what, parts, route, told) => {
  const found = { groups: [{ ...group, ...parts }], fitting: 1, count: 7, isMore: false };
  // A part of what a status has, which is all that the cards look at.
  const routes = [{ name: 'crm', paused: null, circuit: null, ...route } as unknown as RouteStatus];
  const { text } = groupsView({}, found, routes, false).body;
  const lines = [...text.matchAll(/<p[^>]*>(.*?)<\/p>/gs)].map(([, line = '']) => line.replaceAll(/<[^>]*>/g, ''));
  expect(lines.filter((line) => line.startsWith('Next try'))).toEqual(
    told === null ? [] : [expect.stringMatching(told)],
  );
});

test('what waits is told of beside what failed, with a link to it, by its route', () => {
  const routes = [
    { name: 'crm', waiting: 1_200 },
    { name: 'log', waiting: 4 },
    { name: 'old', waiting: null },
  ] as unknown as RouteStatus[]; // all that is looked at
  const none = { groups: [], fitting: 0, count: 0, isMore: false };
  const told = (choice: object) =>
    /<a href="([^"]*waiting)">([^<]*)</.exec(groupsView(choice, none, routes, true).body.text)?.slice(1);
  expect(told({})).toEqual(['/failures?state=waiting', '1\u202f204 more wait for their next try']);
  expect(told({ route: 'log' })).toEqual(['/failures?route=log&amp;state=waiting', '4 more wait for their next try']);
  expect([told({ route: 'old' }), told({ state: 'dead' }), told({ event: 'e' })]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test.each([
  ['drop', {}, 'dead, quarantined or undecodable'],
  ['retry', {}, 'dead or quarantined'],
  ['drop', { state: 'waiting' }, 'waiting'],
] as const)('who is to confirm a %s of %j is told in which states', (act, choice, states) => {
  expect(confirmView(act, choice, 7).body.text).toContain(`<dt>State</dt><dd>${states}</dd>`);
});
