import { describe, expect, test } from '@jest/globals';
import { noLimits } from '../../src/kazoo/body.ts';
import { decode } from '../../src/kazoo/decode.ts';
import { redact } from '../../src/kazoo/redact.ts';
import {
  createExplainer,
  createMatcher,
  createRevealedPaths,
  interestOf,
  type Selection,
  selectionOf,
} from '../../src/routes/match.ts';
import { entry, notification } from '../support/notification.ts';

describe('a route', () => {
  test('wants everything that is valid by default', () => {
    expect(decide({}, {})).toBe('deliver');
  });

  test('selects events by name, alias and glob', () => {
    const events = ['voicemail_*', 'top_up', '*fax*error'];
    for (const event of ['voicemail_new', 'topup', 'outbound_smtp_fax_error', 'inbound_fax_error']) {
      expect(decide({ events }, { event })).toBe('deliver');
    }
    for (const event of ['new_voicemail_x', 'inbound_fax', 'voicemail', null]) {
      expect(decide({ events }, { event })).toBe('skip');
    }
  });

  test('takes every character of a pattern but the star for itself', () => {
    expect(decide({ events: ['a.c*'] }, { event: 'abc' })).toBe('skip');
    expect(decide({ events: ['a.c*'] }, { event: 'a.cd' })).toBe('deliver');
    expect(decide({ events: ['*****a*****b'] }, { event: `${'a'.repeat(128)}` })).toBe('skip');
  });

  test('selects accounts and zones; a notification without an account belongs to none', () => {
    expect(decide({ accounts: ['a1', 'a2'] }, { accountId: 'a2' })).toBe('deliver');
    expect(decide({ accounts: ['a1'] }, { accountId: 'a3' })).toBe('skip');
    expect(decide({ accounts: ['a1'] }, { accountId: null })).toBe('skip');
    expect(decide({ zones: ['west'] }, { zone: 'west' })).toBe('deliver');
    expect(decide({ zones: ['west'] }, { zone: 'east' })).toBe('skip');
  });

  test('gets what the daemon tells of itself only where it asks for that by name, whatever its accounts and zones are', () => {
    const own = { event: 'relay_sink_away', category: 'relay', accountId: null, zone: '' };
    const foreign = { event: 'relay_sink_away', category: null, known: false };
    const narrow = { accounts: ['a1'], zones: ['west'] };
    for (const events of [[], ['*'], ['relay*'], ['*_away'], ['voicemail_new']]) {
      expect(decide({ events }, own)).toBe('skip');
      expect(decide({ events }, foreign)).toBe(events.includes('voicemail_new') ? 'skip' : 'deliver');
    }
    for (const events of [['relay_*'], ['relay_sink_away'], ['register', 'relay_sink_*'], ['*', 'relay_*']]) {
      expect(decide({ events }, own)).toBe('deliver');
      expect(decide({ events, ...narrow }, own)).toBe('deliver');
      expect(interestOf({ events, ...narrow })).toMatchObject({ accounts: [] });
      // What comes from a broker under such a name is nothing of ours.
      expect(decide({ events }, foreign)).toBe(events.includes('*') ? 'deliver' : 'skip');
    }
    expect(decide({ events: ['relay_*'] }, { event: 'register' })).toBe('skip');
    expect(decide({ events: ['relay_drift'] }, own)).toBe('skip');
  });

  test('gets previews and resends only where it asks for them', () => {
    expect(decide({}, { preview: true })).toBe('skip');
    expect(decide({ previews: 'deliver' }, { preview: true })).toBe('deliver');
    expect(decide({}, { resendOf: 'x' })).toBe('skip');
    expect(decide({ resends: 'deliver' }, { resendOf: 'x' })).toBe('deliver');
  });

  test('quarantines what is invalid, with its first problem, unless it wants it', () => {
    const invalid = {
      state: 'invalid' as const,
      problems: [
        { path: '/amount', message: 'must be number', keyword: 'type' },
        { path: '', message: 'odd', keyword: 'x' },
      ],
    };
    expect(decide({}, invalid)).toEqual({ quarantine: 'invalid: /amount must be number (and 1 more)' });
    expect(decide({ invalid: 'deliver' }, invalid)).toBe('deliver');
    expect(decide({ events: ['register'] }, invalid)).toBe('skip');
  });

  test('gets events that the catalogue doesn’t know, unless it would rather not', () => {
    const unknown = { event: 'brand_new', known: false };
    expect(decide({}, unknown)).toBe('deliver');
    expect(decide({ unknown: 'quarantine' }, unknown)).toEqual({ quarantine: 'unknown event brand_new' });
  });

  test('never gets what can’t be decoded', () => {
    expect(decide({ invalid: 'deliver', unknown: 'deliver' }, { state: 'undecodable', event: null, data: null })).toBe(
      'skip',
    );
  });
});

describe('what is revealed', () => {
  const all = { events: [], accounts: [], zones: [], previews: 'skip' as const, reveal: [] };
  const revealsTo = createRevealedPaths([
    { ...all, reveal: [] },
    { ...all, events: ['new_user'], reveal: ['password'] },
    { ...all, events: ['*_alert'], zones: ['east'], previews: 'deliver', reveal: ['details', 'message'] },
    { ...all, accounts: ['a2'], reveal: ['extra'] },
  ]);

  test.each([
    ['of what no revealing route selects', {}, []],
    ['of the event that one selects', { event: 'new_user' }, ['password']],
    ['of its previews, which it doesn’t get', { event: 'new_user', preview: true }, []],
    ['of an event of another zone', { event: 'system_alert' }, []],
    [
      'of that of its zone, preview or not',
      { event: 'system_alert', zone: 'east', preview: true },
      ['details', 'message'],
    ],
    ['of what several select', { event: 'new_user', accountId: 'a2' }, ['password', 'extra']],
    ['of what has no event', { event: null, accountId: null }, []],
  ])('is kept %s', (_what, parts, kept) => {
    expect(revealsTo(notification(parts).header)).toEqual(kept);
  });

  test('is all that is kept of a body', () => {
    const secretsOf = (name: string) => {
      const body = Buffer.from(JSON.stringify({ 'Event-Name': name, Password: 'geheim' }));
      const message = {
        body,
        routingKey: '',
        contentEncoding: undefined,
        timestamp: undefined,
        zone: '',
        receivedAt: 0,
      };
      return redact(decode(message, noLimits), revealsTo).secrets;
    };
    expect(secretsOf('new_user')).toEqual([{ path: ['password'], value: 'geheim' }]);
    expect(secretsOf('customer_update')).toEqual([]);
  });
});

describe('what a route does not want, it says why:', () => {
  const data = { duration: 3, caller: { number: '100' }, list: [1, 2], text: 'x'.repeat(200) };
  test.each<[string, Partial<Selection>, Parameters<typeof entry>[0], string | null]>([
    ['nothing of what it wants', { where: 'data.duration == 3' }, {}, null],
    ['nothing of what it quarantines', {}, { state: 'invalid' }, null],
    [
      'the event',
      { events: ['missed_call', 'fax_*'] },
      { event: 'voicemail_new' },
      'its event, voicemail_new, is not among events: missed_call, fax_*',
    ],
    [
      'what the daemon tells of itself',
      { events: ['*'] },
      { event: 'relay_drift', category: 'relay' },
      'the daemon tells it of itself, and it is not selected by name (events: [relay_*])',
    ],
    ['the account', { accounts: ['a2'] }, {}, 'its account, a1, is not among accounts: a2'],
    ['no account', { accounts: ['a2'] }, { accountId: null }, 'it has no account, which is not among accounts: a2'],
    [
      'five of many names',
      { accounts: ['1', '2', '3', '4', '5', '6', '7'] },
      {},
      'its account, a1, is not among accounts: 1, 2, 3, 4, 5 and 2 more',
    ],
    ['the zone', { zones: ['east'] }, {}, 'its zone, west, is not among zones: east'],
    ['a preview', {}, { preview: true }, 'it is a preview (previews: skip)'],
    ['a resend', {}, { resendOf: 'id' }, 'KAZOO has published it again: it is a resend of id (resends: skip)'],
    ['bytes', {}, { state: 'undecodable', event: null }, 'it could not be decoded, so no route gets it'],
    [
      'the part of a condition that is false, with what it looks at',
      { where: 'event == "low_balance" && (data.duration > 10 || data["duration"] == 4) && data.list.size() == 2' },
      {},
      'where is false: data.duration > 10 || data["duration"] == 4 (data.duration is 3)',
    ],
    [
      'what a macro goes through',
      { where: 'data.list.exists(i, i > 2)' },
      {},
      'where is false: data.list.exists(i, i > 2) (data.list is [1,2])',
    ],
    [
      'a field that is missing',
      { where: 'data.caller.name == "x" && true' },
      {},
      'where can\'t be evaluated: data.caller.name == "x": No such key: name (data.caller.name is missing)',
    ],
    [
      'the beginning of a long value',
      { where: 'data.text == ""' },
      {},
      `where is false: data.text == "" (data.text is "${'x'.repeat(78)}…)`,
    ],
  ])('%s', (_what, selection, parts, reason) => {
    const one = { data, json: JSON.stringify(data), ...parts };
    expect(createExplainer({ ...everything, ...selection })(entry(one))).toBe(reason);
    expect(decide(selection, one) === 'skip').toBe(reason !== null);
  });
});

test('a selection is all of a route that says what it wants', () => {
  const selection = { ...everything, where: 'true' };
  expect(selectionOf(Object.assign({ name: 'r', sink: {} }, selection))).toEqual(selection);
});

const everything: Selection = {
  ...{ events: [], accounts: [], zones: [] },
  ...{ previews: 'skip', invalid: 'quarantine', resends: 'skip', unknown: 'deliver' },
};

function decide(selection: Partial<Selection>, parts: Parameters<typeof entry>[0]) {
  return createMatcher({ ...everything, ...selection })(entry(parts));
}
