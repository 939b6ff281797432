import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { JsonObject } from '../../src/common/json.ts';
import type { Expectation } from '../../src/config/config.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { relayEvents } from '../../src/kazoo/relay-events.ts';
import { type OwnEvent, relayNotification } from '../../src/kazoo/relay-notification.ts';
import type { RuntimeSnapshot } from '../../src/ops/runtime-snapshot.ts';
import { startSelfReports } from '../../src/relay/self-reports.ts';
import { atMostEvery, type Look, SelfWatch, silentAfter, steadyFor } from '../../src/relay/self-watch.ts';
import { pastOf } from '../../src/relay/silence.ts';
import { createValidator } from '../../src/schema/validator.ts';
import { openJournal } from '../support/journal.ts';
import { type NotificationParts, notification } from '../support/notification.ts';
import { until } from '../support/until.ts';

const begin = Date.UTC(2026, 10, 24, 10);
const minute = 60_000;
const hour = 60 * minute;
const { validate, unknownFields } = createValidator([]);
/** Those of which a case here has seen one. */
const seen = new Set<string>();

describe('the daemon tells', () => {
  test.each([
    ['a broker', 'relay_broker', (isAway: boolean) => look({ broker: { state: isAway ? 'away' : 'consuming' } })],
    ['a sink', 'relay_sink', (isAway: boolean) => look({ route: { circuit: isAway ? 'open' : 'closed' } })],
  ])(
    'that %s is away and back, once it has been so for a minute, and nothing of what comes and goes',
    (_what, name, at) => {
      const { told, pass } = watching();
      pass(at(false), 10 * steadyFor);
      for (let turn = 0; turn < 10; turn += 1) {
        pass(at(true), steadyFor - 1_000);
        pass(at(false), 2_000);
      }
      expect(told).toEqual([]);
      const since = pass(at(true), steadyFor + 2_000);
      expect(told).toMatchObject([{ event: `${name}_away`, data: { since, reason: 'gone' } }]);
      for (let turn = 0; turn < 10; turn += 1) {
        pass(at(false), steadyFor - 1_000);
        pass(at(true), 2_000);
      }
      expect(told).toHaveLength(1);
      pass(at(false), 10 * steadyFor);
      expect(told).toHaveLength(2);
      expect(told[1]).toMatchObject({ event: `${name}_back`, data: { since, seconds: 672 } });
    },
  );

  test('of dead letters at once, and then of all that come within ten minutes together', () => {
    const { told, pass } = watching();
    const dead = (count: number) => look({ route: { dead: count } });
    pass(dead(2), 5_000);
    expect(counts(told)).toEqual([2]);
    for (let count = 3; count < 9; count += 1) pass(dead(count), 10_000);
    expect(counts(told)).toEqual([2]);
    pass(dead(9), atMostEvery);
    expect(counts(told)).toEqual([2, 7]);
    // The route was made anew, and begins to count.
    pass(dead(0), atMostEvery);
    pass(dead(1), 1_000);
    expect(counts(told)).toEqual([2, 7, 1]);
    expect(told).toMatchObject([{ event: 'relay_dead_letters', data: { route: 'crm', sink: 'webhook' } }, {}, {}]);
  });

  test('that more is quarantined than when it started, also after some of it was let out', () => {
    const { told, pass } = watching();
    const quarantined = (count: number, name = 'crm') => look({ quarantined: count, name });
    pass(quarantined(5), 5_000);
    pass(quarantined(3), atMostEvery);
    expect(told).toEqual([]);
    pass(quarantined(4), 1_000);
    // Nothing runs there by this name.
    pass(quarantined(40, 'former'), atMostEvery);
    pass(quarantined(41, 'former'), atMostEvery);
    expect(told).toMatchObject([{ event: 'relay_quarantine_grows', data: { route: 'crm', count: 1, total: 4 } }]);
  });

  test('of drift that is new since it started, by event, at most every ten minutes', () => {
    const { told, pass } = watching();
    const drift = (...paths: string[]) => look({ drift: paths });
    pass(drift('/a'), 5_000);
    expect(told).toEqual([]);
    pass(drift('/a', '/b', 'new_moon'), 1_000);
    expect(told).toMatchObject([
      { event: 'relay_drift', data: { event: 'topup', kinds: ['/b unknownField'], count: 1, example: 'id of /b' } },
      { event: 'relay_drift', data: { event: '', kinds: ['new_moon unknownEvent'], count: 1 } },
    ]);
    pass(drift('/a', '/b', '/c', 'new_moon'), atMostEvery - 10_000);
    expect(told).toHaveLength(2);
    pass(drift('/a', '/b', '/c', '/d', 'new_moon'), 20_000);
    expect(told).toHaveLength(3);
    expect(told[2]?.data).toMatchObject({ kinds: ['/c unknownField', '/d unknownField'], count: 2 });
  });

  test('that nothing has come from a broker for a day of consuming, once until something comes', () => {
    const { told, pass } = watching();
    const received = (count: number) => look({ broker: { received: count } });
    const away = look({ broker: { received: 1, state: 'connecting' } });
    pass(received(0), silentAfter - hour, hour);
    const since = pass(received(1), silentAfter, hour);
    pass(away, 2_000);
    expect(told).toEqual([]);
    pass(received(1), 3 * silentAfter, hour);
    expect(told).toMatchObject([{ event: 'relay_nothing_comes', data: { since, zone: 'west' } }]);
    pass(received(2), hour);
    pass(received(2), 2 * silentAfter, hour);
    expect(told).toHaveLength(2);
  });

  test('that an expected event does not come, once until it comes again', () => {
    const { told, pass, watch } = watching();
    const east = { event: 'top_up', zone: 'east', within: 4 * hour };
    const expected = [expectation({ event: 'voicemail_*' }), expectation(east)];
    const arrived = (voicemails: number, topups = 0) =>
      look({ expected, arrivals: { voicemail_saved: voicemails, topup: topups, register: told.length } });
    pass(arrived(1), hour, minute);
    pass(arrived(2), 2 * hour, minute);
    expect(told).toEqual([]);
    const since = pass(arrived(3), 2 * hour + 2 * minute, minute);
    // Those of another zone are no matter: nothing has come in that one since the start.
    expect(told.map(({ data }) => [data.event, data.zone, data.since])).toEqual([
      ['top_up', 'east', new Date(begin).toISOString()],
      ['voicemail_*', undefined, since],
    ]);
    expect(watch.overdue).toEqual(expected);
    pass(arrived(3), 10 * hour, minute);
    expect(told).toHaveLength(2);
    pass(arrived(4, 1), hour, minute);
    expect(watch.overdue).toEqual(expected.slice(1));
    pass(arrived(4, 1), 2 * hour, minute);
    expect(told.slice(2)).toMatchObject([{ event: 'relay_nothing_comes', data: { event: 'voicemail_*' } }]);
  });

  test('that an expected event does not come by the hours that count', () => {
    const { told, pass } = watching();
    // By the clock of this machine, one hour a day from the first look on.
    const at = (hours: number) => new Date(begin + hours * hour).toTimeString().slice(0, 5);
    const expected = [expectation({ event: 'topup', hours: `${at(0)}-${at(1)}` })];
    const of = () => told.filter(({ data }) => data.event === 'topup');
    pass(look({ expected }), 24.5 * hour, minute);
    expect(of()).toEqual([]);
    pass(look({ expected }), 24 * hour, minute);
    expect(of()).toHaveLength(1);
  });

  test('by notifications that fit their schemas, of each of its events one', () => {
    expect([...seen].sort()).toEqual(relayEvents.map(({ name }) => name));
  });
});

describe('a restart ends no silence:', () => {
  let folder: string;
  let journal: Journal;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-silence-'));
    journal = await openJournal(folder, pino({ level: 'silent' }));
  });

  afterEach(async () => {
    await journal.close();
    rmSync(folder, { recursive: true });
  });

  const came = (ago: number, parts: NotificationParts) =>
    journal.append([notification({ zone: 'west', ...parts, receivedAt: begin - ago })]);

  /** A daemon that runs from then on for so long. */
  async function run(at: Look, from: number, milliseconds: number): Promise<OwnEvent[]> {
    const { told, watch, pass } = watching(from);
    for (const [name, awaited] of watch.newIn(at)) watch.recall(name, await pastOf(awaited, journal, from));
    expect(watch.newIn(at)).toEqual([]);
    pass(at, milliseconds, minute);
    const publisher = { node: 'here', version: '1' };
    await journal.append(told.map((event) => relayNotification(event, publisher, from + milliseconds)));
    return told;
  }

  test('an alarm comes however often the daemon is started, once', async () => {
    await came(0, { event: 'topup' });
    const expected = [
      expectation({ event: 'top_up' }),
      expectation({ event: 'topup', zone: 'west', within: 4 * hour }),
    ];
    const told: OwnEvent[] = [];
    for (let start = begin; start < begin + 6 * hour; start += hour / 2)
      told.push(...(await run(look({ expected }), start, hour / 2)));
    expect(told.map(({ event, data }) => [event, data.zone, data.since])).toEqual([
      ['relay_nothing_comes', undefined, new Date(begin).toISOString()],
      ['relay_nothing_comes', 'west', new Date(begin).toISOString()],
    ]);
    // What is told is overdue still, and what comes ends it.
    const { watch, pass } = watching(begin + 6 * hour);
    for (const [name, awaited] of watch.newIn(look({ expected })))
      watch.recall(name, await pastOf(awaited, journal, begin + 6 * hour));
    pass(look({ expected }), 2_000);
    expect(watch.overdue).toEqual(expected);
    pass(look({ expected, arrivals: { topup: 1 } }), 2_000);
    expect(watch.overdue).toEqual([]);
  });

  test('the daemon knows what was overdue before it looks at itself for the first time', async () => {
    const expected = [expectation({ event: 'topup' }), expectation({ event: 'register' })];
    const logger = pino({ level: 'silent' });
    const watched = { config: { routes: [], expect: expected }, journal, log: { logger } };
    const told = { event: 'relay_nothing_comes', data: { event: 'topup', since: '', message: '' } };
    await came(hour, { event: 'topup' });
    await journal.append([relayNotification(told, { node: 'here', version: '1' }, begin)]);
    const { brokers, summary } = look({});
    const snapshot = { brokers: () => brokers, routes: () => [], summary: async () => summary };
    const reports = startSelfReports(watched, snapshot as unknown as RuntimeSnapshot); // it asks for no more
    await until(() => reports.overdue.length > 0, { what: 'its first look' });
    expect(reports.overdue).toEqual(expected.slice(0, 1));
    await reports.close();
  });

  test('of a broker it comes too, by what came from its zone', async () => {
    await came(silentAfter, { event: 'topup' });
    await came(hour, { event: 'topup', zone: 'east' });
    expect(await run(look({}), begin, 5 * minute)).toMatchObject([
      {
        event: 'relay_nothing_comes',
        data: { broker: 'rabbit:5672', since: new Date(begin - silentAfter).toISOString() },
      },
    ]);
    expect(await run(look({}), begin + hour, hour)).toEqual([]);
  });

  test.each<[string, number, () => unknown]>([
    ['one came since', 0, () => came(hour, { event: 'topup' })],
    [
      'a resend came since, which does not count',
      1,
      () => came(hour, { event: 'topup', ownTime: 5, fingerprint: 'f' }),
    ],
    ['a preview came since, which does not count', 1, () => came(hour, { event: 'topup', preview: true })],
    ['another event came since', 1, () => came(hour, { event: 'register' })],
    ['one of another zone came since', 1, () => came(hour, { event: 'topup', zone: 'east' })],
    ['the daemon did not run meanwhile', 0, () => stopped(2.5 * hour, hour)],
    ['the daemon did not run for a part of it', 1, () => stopped(2.5 * hour, 2 * hour)],
    [
      'the daemon did not run several times, which are written as one that goes into the other',
      0,
      () => [stopped(2.5 * hour, 1.5 * hour), stopped(2 * hour, hour), stopped(0.5 * hour, 0.4 * hour)],
    ],
    ['a broker was away meanwhile', 1, () => away('rabbit:5672', 2.5 * hour, hour)],
  ])('%s', async (_what, alarms, happen) => {
    await came(3 * hour, { event: 'topup', ownTime: 5, fingerprint: 'f' });
    await happen();
    const expected = [expectation({ event: 'topup', zone: 'west' })];
    expect(await run(look({ expected }), begin, 5 * minute)).toHaveLength(alarms);
  });

  test('hours that do not count are left out, and of a new zone it begins', async () => {
    await came(20 * hour, { event: 'topup' });
    const at = (hours: number) => new Date(begin + hours * hour).toTimeString().slice(0, 5);
    const within = (hours: string) => [expectation({ event: 'topup', hours })];
    expect(await run(look({ expected: within(`${at(-3)}-${at(-2)}`) }), begin, 5 * minute)).toEqual([]);
    expect(await run(look({ expected: within(`${at(-3)}-${at(-1)}`) }), begin, 5 * minute)).toEqual([]);
    expect(await run(look({ expected: within(`${at(-3)}-${at(1)}`) }), begin, 5 * minute)).toHaveLength(1);
    expect(await run(look({ expected: [expectation({ event: 'topup', zone: 'new' })] }), begin, hour)).toEqual([]);
  });

  const stopped = (from: number, to: number) => away('', from, to);

  /** Milliseconds before now. */
  function away(broker: string, from: number, to: number): void {
    const of = { zone: broker === '' ? '' : 'west', broker };
    journal.brokerAway(of, begin - from, 'gone', null);
    journal.brokerBack(of, begin - to);
  }
});

/** Looks every second, and gives what was told so far. `pass` returns when its first look was. */
function watching(start = begin) {
  const watch = new SelfWatch();
  const told: OwnEvent[] = [];
  let passed = 0;
  return {
    told,
    watch,
    pass(at: Look, milliseconds: number, step = 1_000): string {
      const since = new Date(start + passed).toISOString();
      for (const end = passed + milliseconds; passed < end; passed += step) {
        const events = watch.look(at, passed, start + passed);
        for (const event of events) expectValid(event);
        told.push(...events);
      }
      return since;
    },
  };
}

function expectValid(event: OwnEvent): void {
  const { header, json } = relayNotification(event, { node: 'here', version: '1' }, begin);
  const data = JSON.parse(json) as JsonObject; // as it was made
  expect(validate(header.event, data)).toEqual([]);
  expect(unknownFields(header.event, data)).toEqual([]);
  seen.add(event.event);
}

function counts(told: readonly OwnEvent[]): unknown[] {
  return told.map(({ data }) => data.count);
}

function expectation(parts: Partial<Expectation>): Expectation {
  return { event: '', within: 2 * hour, zone: undefined, hours: undefined, ...parts };
}

/** A look at a daemon with one broker and one route. */
function look({
  broker = {},
  route: { circuit = 'closed', dead = 0 } = {},
  quarantined = 0,
  name = 'crm',
  drift = [],
  expected = [],
  arrivals = {},
}: {
  broker?: { state?: 'away' | 'connecting' | 'consuming'; received?: number };
  route?: { circuit?: 'open' | 'closed'; dead?: number };
  quarantined?: number;
  name?: string;
  drift?: readonly string[];
  expected?: readonly Expectation[];
  arrivals?: Readonly<Record<string, number>>;
}): Look {
  const trouble = { reason: 'gone' };
  const kinds = drift.map((path) => ({
    ...(path.startsWith('/')
      ? { event: 'topup', known: true, path, keyword: 'unknownField' }
      : { event: path, known: false, path: '', keyword: 'unknownEvent' }),
    ...{ count: 1, first: begin, last: begin, example: `id of ${path}` },
  }));
  // Resends and the like are no matter.
  const byEvent = new Map(Object.entries(arrivals).map(([event, count]) => [event, [count, 0, Math.random()]]));
  const intake = { outcomes: ['valid', 'invalid', 'resend'], byEvent };
  const look = {
    brokers: [
      { broker: 'rabbit:5672', zone: 'west', state: 'consuming', reason: 'gone', received: 0, intake, ...broker },
    ],
    expected,
    routes: [{ name: 'crm', sink: 'webhook', activity: { circuit, trouble }, counts: { dead } }],
    summary: { routes: [{ name, quarantined }], drift: kinds },
  };
  return look as unknown as Look; // with all that is looked at
}
