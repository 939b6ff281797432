import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { exampleBody } from '../../../src/cli/support/example.ts';
import type { JsonObject } from '../../../src/common/json.ts';
import { events } from '../../../src/kazoo/catalogue.ts';
import { normalise } from '../../../src/kazoo/normalise.ts';
import type { ShapedEnvelope } from '../../../src/notification/envelope.ts';
import { digestOf } from '../../../src/sinks/summary/digest.ts';
import { sentences } from '../../../src/sinks/summary/sentences.ts';
import { summaryOf } from '../../../src/sinks/summary/summary.ts';
import { presetFormat, rateLimitOf } from '../../../src/sinks/webhook/formats/presets.ts';
import { type PresetName, presetNames } from '../../../src/sinks/webhook/options.ts';
import { deliveryFrom, entry } from '../../support/notification.ts';
import { runs } from '../../support/runs.ts';
import { webhookOptions } from '../../support/webhook.ts';

const fields = { routing_key: 'key', topic: 'topic', chat_id: '1' };

describe('the words for a notification', () => {
  test('have a sentence of their own for every event of the catalogue', () => {
    expect(Object.keys(sentences).sort()).toEqual(events.map(({ name }) => name).sort());
  });

  test.each(events.map(({ name }) => name))('say what happened, and what a person wants to know, of %s', (event) => {
    const { title, severity, facts } = summaryOf(envelopeOf(event, dataOf(event)));
    expect(
      `${severity}: ${title}\n${facts.map(({ name, value }) => `${name}: ${value}`).join('\n')}`,
    ).toMatchSnapshot();
  });

  test('are one line each, of a bounded length, whatever a body holds', () => {
    const names = events.flatMap((event) => event.fields.map(({ name }) => name));
    fc.assert(
      fc.property(
        fc.constantFrom(...events.map(({ name }) => name), 'unheard_of', null),
        fc.dictionary(fc.constantFrom(...names, '__proto__', 'x'), fc.jsonValue()),
        (event, data) => {
          const { title, facts } = summaryOf(envelopeOf(event, data as JsonObject));
          for (const text of [title, ...facts.map(({ value }) => value)]) {
            expect(text).not.toMatch(/[\p{Cc}\p{Cf}\n]/u);
            expect([...text].length).toBeLessThanOrEqual(500);
          }
        },
      ),
      runs(300),
    );
  });

  test('show no secret', () => {
    for (const { name, fields: all } of events) {
      const secrets = all.filter(({ secret }) => secret);
      const data = Object.fromEntries(secrets.map((field) => [field.name, 'geheim']));
      expect(JSON.stringify(summaryOf(envelopeOf(name, data)))).not.toContain('geheim');
    }
  });
});

describe('the words for a digest', () => {
  const at = (time: string, accountId: string | null, id = time) =>
    deliveryFrom(entry({ id, event: 'register', accountId, occurredAt: Date.parse(`${time}:00Z`), data: {} })).envelope;
  const [first, second, nextDay] = [
    at('2026-11-24T14:01', 'acme'),
    at('2026-11-24T14:14', 'acme'),
    at('2026-11-25T00:05', 'acme'),
  ];

  test.each([
    ['1 notification of acme, 14:01 UTC', [first]],
    ['2 notifications of acme, 14:01–14:14 UTC', [second, first]],
    ['2 notifications of acme, 2026-11-24 14:14 – 2026-11-25 00:05 UTC', [second, nextDay]],
    ['2 notifications of 2 accounts, 14:01 UTC', [first, at('2026-11-24T14:01', 'other')]],
    ['2 notifications, 14:01–14:02 UTC', [at('2026-11-24T14:01', null), at('2026-11-24T14:02', null)]],
    ['1 notification', [{ id: 'a' }]],
  ])('begin with how many there are, of whom and from when: %s', (title, batch) => {
    expect(digestOf(batch).title).toBe(title);
  });

  test('have an id that tells by which notifications alone', () => {
    const ids = [
      [first, second],
      [second, first],
      [first, nextDay],
    ].map((batch) => digestOf(batch).id);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
  });

  test('name the account in each line where there are several', () => {
    const { lines } = digestOf([first, at('2026-11-24T14:02', 'other')]);
    expect(lines.map(({ text }) => text)).toEqual(['14:01 Phone registered (acme)', '14:02 Phone registered (other)']);
  });

  test('count the first fifteen events by name, and the others together', () => {
    const batch = events.map(({ name }) => deliveryFrom(entry({ id: name, event: name, data: {} })).envelope);
    const { facts } = digestOf(batch);
    expect(facts).toHaveLength(16);
    expect(facts.reduce((sum, { value }) => sum + Number(value), 0)).toBe(events.length);
  });
});

/** What each service allows at most, by its documentation: a look at a message that finds what breaks it. */
const limits: Readonly<Record<PresetName, (message: Message) => boolean>> = {
  slack: ({ text, blocks }) =>
    text.length <= 4_000 &&
    blocks.length <= 50 &&
    blocks.every(
      (block) =>
        (block.text?.text.length ?? 0) <= (block.type === 'header' ? 150 : 3_000) &&
        (block.fields ?? []).length <= 10 &&
        (block.fields ?? []).every((field) => field.text.length <= 2_000),
    ),
  teams: (message) => Buffer.byteLength(JSON.stringify(message)) <= 28 * 1024,
  discord: ({ embeds: [embed] }) =>
    embed !== undefined &&
    embed.title.length <= 256 &&
    embed.fields.length <= 25 &&
    embed.fields.every(({ name, value }) => name.length <= 256 && value.length >= 1 && value.length <= 1_024) &&
    (embed.description ?? '').length <= 4_096 &&
    `${embed.title}${embed.description ?? ''}${embed.fields.map(({ name, value }) => name + value).join('')}`.length <=
      5_900,
  pagerduty: ({ payload, dedup_key }) =>
    payload.summary.length <= 1_024 &&
    dedup_key.length <= 255 &&
    ['info', 'warning', 'error', 'critical'].includes(payload.severity) &&
    Buffer.byteLength(JSON.stringify(payload)) <= 512 * 1024,
  ntfy: (message) => Buffer.byteLength(message.message) <= 4_096 && message.priority >= 1 && message.priority <= 5,
  telegram: ({ text }) => text.length >= 1 && text.length <= 4_096,
};

interface Message {
  readonly text: string;
  readonly blocks: { type: string; text?: { text: string }; fields?: { text: string }[] }[];
  readonly embeds: { title: string; description?: string; fields: { name: string; value: string }[] }[];
  readonly payload: { summary: string; severity: string };
  readonly dedup_key: string;
  readonly message: string;
  readonly priority: number;
}

describe.each(presetNames)('the preset %s', (name) => {
  const told = (event: string | null, data: JsonObject, link?: string): Message =>
    JSON.parse(presetFormat(name, fields, link).one({ envelope: envelopeOf(event, data) }).text);

  test('keeps the service’s limits with every event, and with the largest texts', () => {
    for (const { name: event, fields: all } of events) {
      expect(limits[name](told(event, dataOf(event)))).toBe(true);
      const large = Object.fromEntries(all.map((field) => [field.name, '💥<*'.repeat(5_000)]));
      expect(limits[name](told(event, large))).toBe(true);
    }
    expect(limits[name](told(null, {}))).toBe(true);
  });

  test('leads to where the operator says, with nothing of a body in the address', () => {
    const [text] = [JSON.stringify(told('missed_call', {}, 'https://portal/{account_id}?of={event}'))];
    expect(text).toContain('https://portal/a%22%2F1?of=missed_call');
  });

  const toldOf = (batch: readonly ShapedEnvelope[], link?: string): Message =>
    JSON.parse(presetFormat(name, fields, link).several(batch.map((envelope) => ({ envelope }))).text);

  test('tells of several in one message: their number, the most urgent first, and how many more there are', () => {
    const ofEvent = (event: string, count: number) =>
      Array.from({ length: count }, () => envelopeOf(event, dataOf(event)));
    const batch = [
      ...ofEvent('missed_call', 400),
      ...ofEvent('low_balance', 3),
      ...ofEvent('denied_emergency_bridge', 1),
    ];
    const message = toldOf(batch, 'https://portal/?event={event}');
    expect(limits[name](message)).toBe(true);
    const text = JSON.stringify(message);
    expect(text).toContain('404 notifications of a');
    expect(text).toContain('https://portal/?event=denied_emergency_bridge');
    const places = ['DENIED', 'Low balance', 'Missed call'].map((words) => text.lastIndexOf(words));
    expect(places).toEqual([...places].sort((one, other) => one - other));
    const [, left] = /and (\d+) more/.exec(text) ?? [];
    const lines = text.match(/\d\d(\\\\)?:\d\d (Emergency|Low|Missed)/g)?.length ?? 0;
    expect(Number(left) + lines).toBe(404);
  });

  test('keeps the service’s limits with a thousand of the largest texts, and tells that there may be others', () => {
    const data = { caller_id_name: '💥<*'.repeat(500), caller_id_number: '@`*_'.repeat(500) };
    const batch = Array.from({ length: 1_000 }, (_, index) =>
      envelopeOf(events[index % events.length]?.name ?? '', data),
    );
    const message = toldOf(batch);
    expect(limits[name](message)).toBe(true);
    expect(JSON.stringify(message)).toContain('in the next message');
  });

  test('has a rate, which the operator’s own replaces', () => {
    const usual = rateLimitOf({ preset: name, rateLimit: undefined });
    expect(usual?.requests).toBeGreaterThan(0);
    const own = { requests: 1, per: 1 };
    expect(rateLimitOf({ preset: name, rateLimit: own })).toBe(own);
  });
});

test('no text of a notification means anything to a service', () => {
  const data = { caller_id_name: '<!channel> *bold* [a](https://b) @everyone </b>', caller_id_number: '1' };
  const text = (name: PresetName) => presetFormat(name, fields).one({ envelope: envelopeOf('missed_call', data) }).text;
  // Of a plain_text, such as the header, Slack reads no markup.
  const { blocks, ...rest } = JSON.parse(text('slack')) as Message;
  const read = JSON.stringify([rest, blocks.filter(({ type }) => type === 'section')]);
  expect(read).toContain('&lt;!channel&gt;');
  expect(read).not.toContain('<!channel>');
  expect(text('discord')).toContain('"allowed_mentions":{"parse":[]}');
  for (const name of ['discord', 'teams'] as const) expect(text(name)).toContain('\\\\[a\\\\]\\\\(https\\\\://b\\\\)');
  expect(text('telegram')).not.toContain('parse_mode');
});

test.each([
  [{ preset: 'pagerduty' }, 'fields.routing_key is required by the preset pagerduty'],
  [{ preset: 'slack', format: 'standard' }, 'format is not used by the preset slack'],
  [{ preset: 'slack', template: { body: 'x' } }, 'template is not used by the format envelope'],
  [{ preset: 'slack', batch: { max: 2 } }, 'batch.max must be 1 with the preset slack'],
  [{ link: 'https://portal' }, 'link is only for a preset'],
  [{ preset: 'slack', link: 'portal' }, 'link must be a URL such as'],
  [{ preset: 'slack', link: 'https://portal/{name}' }, 'link has a placeholder {name}; there are {account_id}'],
  [{ preset: 'irc' }, 'preset must be one of slack, teams, discord, pagerduty, ntfy, telegram'],
])('%j is refused', (options, message) => {
  expect(() => webhookOptions({ url: 'https://host', ...options })).toThrow(message);
});

function envelopeOf(event: string | null, data: JsonObject) {
  return deliveryFrom(entry({ id: 'id-1', event, accountId: 'a"/1', data })).envelope;
}

function dataOf(name: string): JsonObject {
  const event = events.find((candidate) => candidate.name === name);
  return event === undefined ? {} : normalise(exampleBody(event, 1_700_000_000_000, [])).data;
}
