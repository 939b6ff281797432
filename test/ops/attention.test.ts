import { describe, expect, test } from '@jest/globals';
import { RouteCounts } from '../../src/delivery/counts.ts';
import type { Degraded } from '../../src/journal/journal.ts';
import { attentionIn } from '../../src/ops/attention.ts';
import { deliveredLately } from '../../src/ops/delivered-lately.ts';
import { type RouteSnapshot, summaryOf, unreadyIn } from '../../src/ops/runtime-snapshot.ts';
import { type Activity, type BrokerStatus, type Live, statusOf, withoutAnswers } from '../../src/ops/status.ts';

const started = Date.parse('2026-11-24T08:00:00Z');
const config = {
  file: 'relay.yaml',
  name: 'alpha',
  journal: { path: '/var/lib/kazoo-relay', maxSize: 1_000, invalidShare: 0.25 },
  routes: ['crm', 'archive'].map((name) => ({ name, sink: { type: 'file' } })),
};
const broker: BrokerStatus = {
  ...{ zone: 'west', broker: '10.0.0.1:5672', vhost: '/', state: 'consuming', since: iso(started + 1_000) },
  ...{ reason: null, code: null, rate: 1, received: 1, paused: false },
};
const activity: Activity = {
  ...{
    inFlight: 0,
    conditionFailures: 0,
    conditionTrouble: null,
    paused: null,
    interrupted: undefined,
    circuit: 'closed',
  },
  ...{ circuitSince: started + 2_000, refusedAccounts: 0, trouble: undefined, probeIn: 0 },
};
const route = {
  ...{
    cursor: 1,
    lag: { messages: 0, seconds: 0 },
    waiting: 0,
    collecting: 0,
    quarantined: 0,
    dead: 0,
    unseen: 0,
    paused: null,
  },
  holder: null,
  state: null,
};
const summary = {
  ...{
    bytes: 1,
    usedBytes: 1,
    messages: 1,
    oldest: 1,
    newest: 1,
    undecodable: 0,
    unseenUndecodable: 0,
    lookedAt: null,
    drift: [],
    daemons: [],
  },
  ...{ invalidBytes: 0, evicted: { undecodable: 0, unknown: 0, known: 0, since: null } },
  routes: config.routes.map(({ name }) => ({ name, ...route })),
};
const live: Live = {
  ...{
    startedAt: started,
    brokers: [broker, { ...broker, zone: 'east' }],
    http: null,
    journalProblem: null,
    degraded: null,
  },
  ...{ doubt: null, activityOf: () => activity },
};

describe('all is well', () => {
  test.each([
    ['the last broker was there', {}, {}, {}, started + 2_000],
    ['the last sink was back', {}, {}, { circuitSince: started + 60_000 }, started + 60_000],
    ['an operator looked at what was new', { lookedAt: started + 90_000 }, {}, {}, started + 90_000],
    ['the daemon started', {}, { startedAt: started + 120_000 }, {}, started + 120_000],
  ])('since %s', (_what, held, running, active, since) => {
    const found = attentionIn(status(held, running, active));
    expect(found).toEqual({ verdict: 'all is well', wellSince: since, needs: [] });
  });

  test('also where old dead letters are there, and a route is paused', () => {
    const paused = { at: started, who: 'ann' };
    const routes = config.routes.map(({ name }) => ({ name, ...route, dead: 3, quarantined: 2, paused }));
    expect(attentionIn(status({ routes })).verdict).toBe('all is well');
  });
});

describe('an operator is needed', () => {
  const away = { ...broker, state: 'away', reason: 'ECONNREFUSED' } as const;
  const open = { circuit: 'open', trouble: { reason: 'answered 503' }, probeIn: 7_000 } as const;
  const newDead = summary.routes.map((one, index) => ({ ...one, unseen: 3 * index, dead: 3, quarantined: 1 }));

  test.each([
    [
      'by a broker',
      {},
      { brokers: [away, broker] },
      {},
      '1 of 2 brokers needs you',
      '10.0.0.1:5672 (zone west) is away since',
    ],
    ['by brokers', {}, { brokers: [away, away] }, {}, '2 of 2 brokers need you', 'kazoo-relay check --connect'],
    [
      'by one that is not there yet',
      {},
      { brokers: [{ ...broker, state: 'connecting' }] },
      {},
      '1 of 1 broker needs you',
      'not consumed from yet',
    ],
    [
      'by an intake that is paused',
      {},
      { brokers: [{ ...broker, paused: true, reason: 'its disk is full' }] },
      {},
      '1 of 1 broker needs you',
      'nothing is taken from 10.0.0.1:5672 (zone west): its disk is full',
    ],
    ['by sinks that are away', {}, {}, open, '2 of 2 routes need you', 'the sink of crm is away since'],
    [
      'by a receiver that refuses the login',
      {},
      {},
      { ...open, trouble: { reason: 'answered 401', code: 401 } },
      '2 of 2 routes need you',
      'once its sink takes it.\nCorrect sink.auth of this route in the configuration, and apply that: kazoo-relay reload. Delivery then goes on by itself within',
    ],
    [
      'by a receiver that has nothing there',
      {},
      {},
      { ...open, trouble: { reason: 'answered 404', code: 404 } },
      '2 of 2 routes need you',
      'the sink of crm refuses everything since',
    ],
    [
      'by a sink that is probed',
      {},
      {},
      { ...open, circuit: 'probing' },
      '2 of 2 routes need you',
      'kazoo-relay waiting retry --route crm',
    ],
    [
      'by sinks of paused routes, which nobody probes',
      { routes: summary.routes.map((one) => ({ ...one, paused: { at: started, who: 'ann' } })) },
      {},
      open,
      '2 of 2 routes need you',
      'Repair it. After that: kazoo-relay resume crm',
    ],
    [
      'by a sink that has sent as much as it may',
      {},
      {},
      { ...open, trouble: { reason: 'maxPerHour: 100 e-mails', code: 'maxPerHour' } },
      '2 of 2 routes need you',
      'once its sink takes it.\nIt goes on by itself within 7 s.',
    ],
    [
      'by routes that are interrupted',
      {},
      {},
      { interrupted: 'no such table' },
      '2 of 2 routes need you',
      'archive is interrupted: no such table',
    ],
    [
      'by new dead letters',
      { routes: newDead },
      {},
      {},
      '1 of 2 routes needs you',
      'archive has 3 new dead or quarantined notifications',
    ],
    [
      'by new dead letters where nothing is quarantined',
      { routes: newDead.map((one) => ({ ...one, quarantined: 0 })) },
      {},
      {},
      '1 of 2 routes needs you',
      'archive has 3 new dead letters\n',
    ],
    [
      'by what is new in quarantine where nothing is dead',
      { routes: newDead.map((one) => ({ ...one, dead: 0 })) },
      {},
      {},
      '1 of 2 routes needs you',
      'archive has 3 new quarantined notifications\n',
    ],
    [
      'by somebody else who consumes from our queue',
      {},
      { brokers: [{ ...broker, reason: '2 consumers share the queue' }, broker] },
      {},
      '1 of 2 brokers needs you',
      '10.0.0.1:5672 (zone west) has other consumers: 2 consumers share the queue\nWhat they take',
    ],
    [
      'by a condition that fails on everything',
      {},
      {},
      { conditionTrouble: { count: 12, since: started, reason: 'no such key: a' } },
      '2 of 2 routes need you',
      'Correct "where" of this route in the configuration, and apply that: kazoo-relay reload. Then deliver what was skipped: ' +
        'kazoo-relay replay --route crm --since 2026-11-24T08:00:00.000Z',
    ],
    [
      'by a condition that compares a text with a number',
      {},
      {},
      { conditionTrouble: { count: 3, since: started, reason: 'no such overload: dyn<string> < int' } },
      '2 of 2 routes need you',
      'Correct "where" of this route in the configuration (what it compares has two types: convert one, as in double(…)), and apply that',
    ],
    [
      'by accounts that a sink refuses',
      {},
      {},
      { refusedAccounts: 2 },
      '2 of 2 routes need you',
      'the sink of crm refuses 2 accounts, and takes what belongs to others\nNothing is lost: what belongs to them waits.\nWhy: kazoo-relay waiting list --route crm --group',
    ],
    [
      'by new undecodable ones',
      { unseenUndecodable: 2 },
      {},
      {},
      'what could not be decoded needs you',
      'the journal has 2 new undecodable notifications',
    ],
    ['by the journal', {}, { journalProblem: 'it was moved' }, {}, 'the journal needs you', 'it was moved'],
    [
      'by the clock',
      {},
      { doubt: { lastSign: 0, believedIn: 1 } },
      {},
      'the clock needs you',
      'kazoo-relay accept-clock',
    ],
    [
      'by several',
      { routes: newDead },
      { brokers: [away, broker], journalProblem: 'x' },
      {},
      'the journal, 1 of 2 brokers and 1 of 2 routes need you',
      'dead list --route archive',
    ],
  ] as const)('%s', (_what, held, running, active, verdict, told) => {
    const found = attentionIn(status(held, running, active));
    expect({ verdict: found.verdict, wellSince: found.wellSince }).toEqual({ verdict, wellSince: null });
    expect(
      found.needs
        .flatMap(({ what, why, kept, cure }) => [`${what}${why === undefined ? '' : `: ${why}`}`, kept, cure])
        .join('\n'),
    ).toContain(told);
    expect(found.needs.map(({ cure }) => cure)).not.toContain('');
  });

  test('where no daemon runs, and by what the journal knows', () => {
    const found = attentionIn(statusOf(config, { ...summary, routes: newDead }, null, null));
    expect(found).toMatchObject({ verdict: 'no daemon runs; 1 of 2 routes needs you', wellSince: null });
    expect(found.needs).toHaveLength(2);
  });

  test('by what a daemon of the version before can tell', () => {
    const { routes, ...rest } = status({}, {}, open);
    const before = routes.map(({ unseen: _, paused: __, circuit, ...one }) => {
      const { since: ___, ...known } = circuit ?? { since: '' };
      return { ...one, circuit: known };
    });
    const found = attentionIn(JSON.parse(JSON.stringify({ ...rest, routes: before })));
    expect(found.verdict).toBe('2 of 2 routes need you');
    expect(found.needs[0]?.what).toBe('the sink of crm is away');
  });
});

test('what was delivered lately is summed up by route, whatever the events', async () => {
  const asked: [string, number][] = [];
  const now = Date.now();
  const row = (route: string, event: string, delivered: number, last: number | null) => ({
    ...{ start: now, route, event, delivered, dead: 7, quarantined: 7, last },
  });
  const rows = {
    minute: [row('crm', 'a', 1, now), row('crm', 'b', 2, null), row('crm', 'b', 4, now - 5)],
    hour: [row('crm', 'a', 20, now), row('crm', 'b', 30, now)],
    day: [
      row('crm', 'a', 500, now - 9),
      row('crm', 'b', 500, now),
      row('old', 'a', 9, now - 86_400_000),
      row('dead', 'a', 0, null),
    ],
  };
  const counts = async (per: keyof typeof rows, since: number) => {
    asked.push([per, since]);
    return rows[per];
  };
  const found = await deliveredLately({ counts });
  expect(Object.fromEntries(found)).toEqual({
    crm: { last_hour: 7, today: 50, latest: iso(now) },
    old: { last_hour: 0, today: 0, latest: iso(now - 86_400_000) },
    dead: { last_hour: 0, today: 0, latest: null },
  });
  // With the minute and the day that are not over, sixty and thirty; and from a midnight on.
  expect(asked[0]?.[1]).toBeCloseTo(now - 59 * 60_000, -4);
  expect(new Date(asked[1]?.[1] ?? 1).toTimeString()).toMatch(/^00:00:00/);
});

describe('of a journal that daemons share', () => {
  const daemon = { version: '1', configuration: 'a', since: started, skew: 0, lives: true, routes: [], links: [] };
  const link = {
    ...{ zone: 'west', broker: '10.0.0.1:5672', since: started, paused: false, reason: null, code: null },
  };
  const awayAt = (broker: string) => ({ ...link, broker, state: 'away', reason: 'refused' });
  const alpha = { ...daemon, name: 'alpha', routes: ['crm'] };
  const beta = { ...daemon, name: 'beta', routes: ['archive'] };
  const held = [
    { name: 'crm', ...route, holder: 'alpha' },
    { name: 'archive', ...route, holder: 'beta' },
  ];
  const shared = (held_: object, running: object = {}) => {
    const named = { ...config, journal: { ...config.journal, path: undefined, database: 'db:5432/k (relay)' } };
    return statusOf(named, { ...summary, routes: held, ...held_ }, { ...live, ...running }, null);
  };

  test('all is well where all live, are alike, and have a route each', () => {
    expect(attentionIn(shared({ daemons: [alpha, beta] }))).toMatchObject({
      verdict: 'all is well',
      needs: [],
    });
  });

  test.each([
    ['away', {}, { degraded: degraded('away') }, 'the database of the journal is away since'],
    ['refusing', {}, { degraded: degraded('refused') }, 'has refused what was kept'],
    ['gone', { daemons: [alpha, { ...beta, lives: false }] }, {}, 'the daemon beta has stopped without saying so'],
    ['namesakes', { daemons: [alpha, beta, { ...beta, since: 2 }] }, {}, '2 daemons are called beta'],
    ['versions', { daemons: [alpha, { ...beta, version: '2' }] }, {}, 'run different versions: 1 (alpha), 2 (beta)'],
    ['configurations', { daemons: [alpha, { ...beta, configuration: 'b' }] }, {}, 'different routes or schemas'],
    [
      'a broker',
      { daemons: [alpha, { ...beta, links: [awayAt('b:1')] }] },
      {},
      'beta takes nothing from b:1 (zone west) since',
    ],
    ['a clock', { daemons: [alpha, { ...beta, skew: -60_400 }] }, {}, 'the clock of beta is 60 s behind the database'],
    [
      'a route',
      { daemons: [alpha, beta], routes: [held[0], { ...held[1], holder: null }] },
      {},
      'no daemon runs archive',
    ],
  ])('%s needs an operator', (_what, held_, running, told) => {
    const { verdict, needs } = attentionIn(shared(held_, running));
    expect([verdict, needs.length]).toEqual(['the shared journal needs you', 1]);
    expect(needs[0]?.what).toContain(told);
    expect(needs[0]?.cure).not.toBe('');
  });

  test('a route of another daemon needs an operator by what that one says of it, and its cure is there', () => {
    const state = {
      ...activity,
      circuit: 'open' as const,
      trouble: { reason: 'answered 401', code: 401 },
      probeIn: 4_000,
    };
    const routes = [held[0], { ...held[1], state }];
    const found = shared(
      { daemons: [alpha, beta], routes },
      { activityOf: (name: string) => (name === 'crm' ? activity : undefined) },
    );
    expect(found.routes[1]).toMatchObject({ in_flight: activity.inFlight, circuit: { state: 'open', next_probe: 4 } });
    expect(JSON.stringify(found)).not.toContain('circuitSince');
    const { verdict, needs } = attentionIn({
      ...found,
      daemons: found.daemons.map((one) => ({ ...one, asked: one.name === 'alpha' })),
    });
    expect(verdict).toBe('1 of 2 routes needs you');
    expect(needs[0]).toMatchObject({
      what: expect.stringContaining('the sink of archive refuses everything'),
      cure: expect.stringContaining('and apply that on beta: kazoo-relay reload'),
    });
  });

  test.each([
    ['10.0.0.1:5672', 'Nothing is lost: another daemon takes from it meanwhile.'],
    ['10.0.0.2:5672', 'What KAZOO publishes there meanwhile waits in its queue only if that broker runs.'],
  ])('it is told whether anybody else takes from %s, where one daemon does not reach it', (place, kept) => {
    const { needs } = attentionIn(shared({ daemons: [alpha, { ...beta, links: [awayAt(place)] }] }));
    expect(needs).toMatchObject([{ why: 'refused', kept }]);
  });

  test('a daemon that was started anew, and one that was stopped, need nobody', () => {
    const daemons = [alpha, { ...beta, lives: false }, beta];
    const routes = [...held, { name: 'console@gamma', ...route }];
    expect(attentionIn(shared({ daemons, routes })).needs).toEqual([]);
  });

  test('a machine without a daemon of its own is told how the others are', () => {
    const named = statusOf(config, { ...summary, daemons: [beta], routes: held }, null, null);
    const here = 'the daemon does not run here';
    expect(attentionIn(named)).toMatchObject({ verdict: `${here}; all is well where others do`, needs: [] });
  });

  test.each([
    ['away', 'database of the journal away', ["the journal's database is away: no answer"]],
    [
      'refused',
      'journal.spool refused by the database of the journal',
      ["the journal's database refuses what is in journal.spool: no answer"],
    ],
    // Nothing keeps it from receiving and delivering.
    ['draining', 'journal.spool being drained', []],
  ] as const)('systemd and /readyz are told that it is %s', (state, summarised, unready) => {
    const seen = { brokers: () => [], routes: () => [], journalProblem: null, degraded: degraded(state) };
    expect(summaryOf(seen)).toContain(summarised);
    expect(unreadyIn(seen)).toEqual(unready);
  });

  test('a spool that is drained needs nobody', () => {
    const draining = shared({ daemons: [alpha, beta], routes: held }, { degraded: degraded('draining') });
    expect(attentionIn(draining).needs).toEqual([]);
  });
});

function degraded(state: Degraded['state']): Degraded {
  return { state, since: started, reason: 'no answer', spooled: 3 };
}

test('systemd is told which routes are paused, apart from those whose sink is away', () => {
  const routes = [
    { name: 'crm', activity: { ...activity, circuit: 'open' as const } },
    { name: 'archive', activity: { ...activity, circuit: 'open' as const, paused: { at: started, who: 'ann' } } },
    { name: 'log', activity },
  ].map((one): RouteSnapshot => ({ stuck: false, counts: new RouteCounts(), ...one }));
  expect(summaryOf({ brokers: () => [], routes: () => routes, degraded: null })).toBe(
    'consuming from 0 of 0 brokers; 1 of 3 routes delivering; sink away: crm; paused: archive',
  );
});

test('over HTTP, where anybody may ask, no reason is told that may quote what a notification holds or a sink has answered', () => {
  const secret = 'geheim';
  const away = { ...broker, state: 'away', reason: secret } as const;
  const active = {
    ...{ circuit: 'open', trouble: { reason: secret, code: 503 }, probeIn: 7_000 },
    conditionTrouble: { count: 12, since: started, reason: secret },
  };
  const told = withoutAnswers(status({}, { brokers: [away] }, active));
  expect(JSON.stringify(told)).not.toContain(secret);
  expect(told.routes[0]).toMatchObject({
    circuit: { code: 503, reason: 'the sink is away (503); the command "status" says why' },
    condition_trouble: { failures: 12, reason: 'it fails; the command "status" says why' },
  });
});

function status(held: object = {}, running: object = {}, active: object = {}) {
  const activityOf = () => ({ ...activity, ...active });
  return statusOf(config, { ...summary, ...held }, { ...live, activityOf, ...running }, null);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
