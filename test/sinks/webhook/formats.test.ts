import { describe, expect, jest, test } from '@jest/globals';
import { type CloudEvent, HTTP } from 'cloudevents';
import { exampleBody } from '../../../src/cli/support/example.ts';
import type { JsonObject } from '../../../src/common/json.ts';
import { events } from '../../../src/kazoo/catalogue.ts';
import { normalise } from '../../../src/kazoo/normalise.ts';
import { createReshape } from '../../../src/routes/reshape.ts';
import { shape } from '../../../src/routes/shape.ts';
import { entry } from '../../support/notification.ts';
import { openForTest } from '../../support/open-for-test.ts';
import type { Arrival } from '../../support/receiver.ts';
import { body, deliveryOf, type OpenWebhook } from '../../support/webhook.ts';

const { receive, webhook } = openForTest();

describe('the format standard', () => {
  test('is the payload that Standard Webhooks recommends', async () => {
    const { headers, body } = await arrivalOf({ format: 'standard' });
    expect(headers['content-type']).toBe('application/json');
    expect(JSON.parse(body)).toEqual({
      type: 'low_balance',
      timestamp: '2023-11-14T22:13:20.000Z',
      data: { event_name: 'low_balance', current_balance: -1 },
    });
  });
});

describe('the format cloudevents', () => {
  test.each(['cloudevents', 'cloudevents-binary'])('%s is what the CloudEvents SDK reads', async (format) => {
    const event = eventIn(await arrivalOf({ format }, { id: 'i', zone: 'west 1' }));
    // The SDK leaves the % of a header as it comes, though CloudEvents has it encoded there once more.
    expect(event).toMatchObject({
      specversion: '1.0',
      id: 'i',
      type: 'com.2600hz.kazoo.low_balance',
      source: expect.stringMatching(/^\/kazoo\/west%(25)?201$/),
      subject: 'a1',
      time: '2023-11-14T22:13:20.000Z',
      dataschema: 'urn:kazoo-relay:schema:low_balance',
      data: { event_name: 'low_balance', current_balance: -1 },
    });
    expect(event.validate()).toBe(true);
  });

  test.each([
    ['cloudevents', false],
    ['cloudevents-binary', 'false'],
  ])('%s says whether it is valid, and of which one it is a resend', async (format, no) => {
    const event = eventIn(await arrivalOf({ format }, { state: 'invalid', resendOf: 'first' }));
    expect(event).toMatchObject({ valid: no, resendof: 'first' });
    expect(event.validate()).toBe(true);
    expect(eventIn(await arrivalOf({ format }, {}))).not.toHaveProperty('resendof');
  });

  test('names no schema of what the catalogue doesn’t have', async () => {
    expect(eventIn(await arrivalOf({ format: 'cloudevents' }, { event: 'skel' })).dataschema).toBeUndefined();
  });

  test.each(['cloudevents', 'cloudevents-binary'])('%s has no subject without an account', async (format) => {
    const event = eventIn(await arrivalOf({ format }, { accountId: null, event: null }));
    expect(event.subject).toBeUndefined();
    expect(event.type).toBe('com.2600hz.kazoo.unknown');
  });

  test('cloudevents-binary lets nothing into a header as it is', async () => {
    const accountId = 'a "b" 100% ü€😀 \u2028';
    const { headers } = await arrivalOf({ format: 'cloudevents-binary' }, { accountId });
    expect(headers['ce-subject']).toMatch(/^[\x21-\x7e]+$/);
    expect(decodeURIComponent(String(headers['ce-subject']))).toBe(accountId);
  });

  test('sends several as a batch', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: receiver.url, format: 'cloudevents', batch: { max: 10 } });
    await sink.deliver([deliveryOf({ id: 'a' }), deliveryOf({ id: 'b' })], new AbortController().signal);
    const [arrival] = receiver.arrivals;
    expect(arrival?.headers['content-type']).toMatch(/^application\/cloudevents-batch\+json/);
    const read = HTTP.toEvent({ headers: arrival?.headers ?? {}, body: arrival?.body ?? '' });
    expect(Array.isArray(read) ? read.map(({ id }) => id) : read).toEqual(['a', 'b']);
  });
});

const jsonOf = '%7B%22id%22%3A%22a+b%22%2C%22n%22%3A20.0%7D';

describe.each(['kazoo-json', 'kazoo-form'])('%s', (format) => {
  const textOf = (text: string) =>
    format === 'kazoo-json' ? JSON.stringify(JSON.parse(text)) : [...new URLSearchParams(text)].join(' ');

  test('has of a callflow’s webhook its data only, with the custom data over it', async () => {
    const hook = { event: 'webhook', ...body({ event_name: 'webhook', hook: '[redacted]', data: { call_id: 'c' } }) };
    const { body: text } = await arrivalOf({ format, fields: { region: 'east' } }, hook);
    expect(textOf(text)).toBe(format === 'kazoo-json' ? '{"call_id":"c","region":"east"}' : 'call_id,c region,east');
  });

  test('has nothing of a callflow’s webhook whose data is empty', async () => {
    const { body: text } = await arrivalOf({ format }, { event: 'webhook', ...body({ data: [] }) });
    expect(text).toBe(format === 'kazoo-json' ? '{}' : '');
  });

  test('ends with the cluster’s id, and has custom data before it', async () => {
    const fields = { cluster_id: 'c1', region: 'east' };
    const { body: text } = await arrivalOf({ format, fields }, body({ cluster_id: 'theirs', a: '1' }));
    expect(text).toBe(
      format === 'kazoo-json' ? '{"a":"1","region":"east","cluster_id":"c1"}' : 'a=1&region=east&cluster_id=c1',
    );
  });

  test('keeps the numbers of what the route shapes and reveals', async () => {
    const json = '{"amount":20.0,"rates":[1.0e-7,2.50],"card_last_four":"[redacted]","left":3.0}';
    const stored = entry({ json, data: JSON.parse(json), secrets: [{ path: ['card_last_four'], value: '0000' }] });
    const reshape = createReshape({ pick: [], omit: ['data.left', 'data.rates.0'], set: { 'data.set': 2 } });
    const receiver = await receive();
    const sink = await webhook({ url: receiver.url, format });
    await sink.deliver([shape(stored, ['card_last_four'], reshape)], new AbortController().signal);
    expect(receiver.arrivals[0]?.body).toBe(
      format === 'kazoo-json'
        ? '{"amount":20.0,"rates":[2.5],"card_last_four":"0000","set":2}'
        : 'amount=20.0&rates[]=2.5&card_last_four=0000&set=2',
    );
  });
});

describe('the format kazoo-json', () => {
  test('has its numbers as they came', async () => {
    const json = '{"amount":20.0,"jitter":1.0e-7,"zero":-0.0,"n":-1}';
    expect((await arrivalOf({ format: 'kazoo-json' }, { json, data: JSON.parse(json) })).body).toBe(json);
  });

  test('is what KAZOO’s webhooks send: the normalised notification, with the custom data over it', async () => {
    const { headers, body } = await arrivalOf({
      format: 'kazoo-json',
      fields: { cluster_id: 'c1', current_balance: 'mine', type: 'x', action: 'y' },
    });
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-account-id': 'a1' });
    expect(JSON.parse(body)).toEqual({ event_name: 'low_balance', current_balance: 'mine', cluster_id: 'c1' });
  });

  test.each(events.map(({ name }) => name))('has the keys of %s as KAZOO’s webhooks show them', async (name) => {
    const data = dataOf(name);
    const { body: text } = await arrivalOf({ format: 'kazoo-json' }, { event: name, ...body(data) });
    expect(JSON.parse(text)).toEqual(name === 'webhook' ? data.data : data);
    expect(Object.keys(JSON.parse(text)).every((key) => /^[a-z0-9_]+$/.test(key))).toBe(true);
  });

  test.each(['kazoo-json', 'kazoo-form'])(
    '%s has nothing to say of a body that couldn’t be decoded',
    async (format) => {
      const receiver = await receive();
      const outcome = await (await webhook({ url: receiver.url, format })).send({ data: null, json: 'null' });
      expect(outcome).toMatchObject({ status: 'dead', reason: expect.stringContaining("couldn't be decoded") });
    },
  );

  test('encodes the account for its header', async () => {
    const { headers } = await arrivalOf({ format: 'kazoo-json' }, { accountId: 'ü x' });
    expect(headers['x-account-id']).toBe('%C3%BC%20x');
  });
});

describe('the format kazoo-form', () => {
  test.each<[what: string, json: string, form: string]>([
    ['objects as a[b]=c', '{"a":{"b":"c d","e":{"g":1}}}', 'a[b]=c+d&a[e][g]=1'],
    ['lists as k[]=v', '{"k":["x",true,null,1.50]}', 'k[]=x&k[]=true&k[]=null&k[]=1.5'],
    ['a list of objects as their JSON', '{"z":[{"id":"a b","n":20.0},{}]}', `z[]=${jsonOf}&z[]=%7B%7D`],
    ['what is empty as an empty pair', '{"a":1,"b":{},"c":[],"d":{"e":[],"f":2}}', 'a=1&&&&d[f]=2'],
    [
      'numbers as KAZOO writes them',
      '{"a":20.0,"b":1.0e-7,"c":-0.0,"d":-1,"e":1E6}',
      'a=20.0&b=1.0e-7&c=0.0&d=-1&e=1.0e%2B6',
    ],
    [
      'all but letters, digits and -._~ encoded',
      `{"n":"ü&=+%()!'*-._~/"}`,
      'n=%C3%BC%26%3D%2B%25%28%29%21%27%2A-._~%2F',
    ],
    ['a key as it is, but for what would end it', '{"a b&=ü$/:,@!(*)":{"c":1}}', 'a%20b%26%3D%C3%BC$/:,@!(*)[c]=1'],
    [
      'the pairs in the order of the body',
      '{"z":1,"msg_id":"m","a":2,"server_id":"s"}',
      'z=1&msg_id=m&a=2&server_id=s',
    ],
  ])('has %s', async (_what, json, form) => {
    const { headers, body: text } = await arrivalOf({ format: 'kazoo-form' }, { data: JSON.parse(json), json });
    expect(headers).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded', 'x-account-id': 'a1' });
    expect(text).toBe(form);
  });

  test('goes into the query of a GET', async () => {
    const receiver = await receive();
    const sink = await webhook({
      url: `${receiver.url}/x?own=1`,
      method: 'GET',
      format: 'kazoo-form',
      fields: { f: '1' },
    });
    await sink.send(body({ a: { b: 'c d' } }));
    expect(receiver.arrivals[0]).toMatchObject({ method: 'GET', path: '/x?own=1&a[b]=c+d&f=1', body: '' });
    expect(receiver.arrivals[0]?.headers['content-type']).toBeUndefined();
    expect(receiver.arrivals[0]?.headers['x-account-id']).toBe('a1');
  });

  test.each(events.map(({ name }) => name))('has every value of %s', async (name) => {
    const data = dataOf(name);
    const { body: text } = await arrivalOf({ format: 'kazoo-form' }, { event: name, ...body(data) });
    const pairs = [...new URLSearchParams(text)];
    expect(pairs).toEqual(leaves(name === 'webhook' ? data.data : data));
  });
});

describe('a batch', () => {
  test('of envelopes is an array, also where there is only one', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: receiver.url, batch: { max: 10 } });
    await sink.deliver([deliveryOf({ id: 'a' }), deliveryOf({ id: 'b' })], new AbortController().signal);
    await sink.send({ id: 'c' });
    expect(receiver.arrivals.map(({ body }) => JSON.parse(body).map(({ id }: { id: string }) => id))).toEqual([
      ['a', 'b'],
      ['c'],
    ]);
  });

  test('shares what becomes of its request', async () => {
    const receiver = await receive(() => 503);
    const sink = await webhook({ url: receiver.url, batch: { max: 10 } });
    const outcomes = await sink.deliver([deliveryOf({}), deliveryOf({})], new AbortController().signal);
    expect(outcomes).toMatchObject([
      { status: 'retry', away: true },
      { status: 'retry', away: true },
    ]);
    expect(receiver.arrivals).toHaveLength(1);
  });

  test('that is refused for what is in it is halved, so that only the wrong one dies', async () => {
    const receiver = await receive(({ body }) => (body.includes('"id":"bad"') ? 422 : 200));
    const sink = await webhook({ url: receiver.url, batch: { max: 100 } });
    const ids = Array.from({ length: 64 }, (_, index) => (index === 41 ? 'bad' : `good${index}`));
    const outcomes = await sink.deliver(
      ids.map((id) => deliveryOf({ id })),
      new AbortController().signal,
    );
    expect(outcomes.map(({ status }) => status)).toEqual(ids.map((id) => (id === 'bad' ? 'dead' : 'delivered')));
    expect(receiver.arrivals).toHaveLength(1 + 2 * 6);
  });

  test('is halved for a part of the time that a request may take; the rest is tried again', async () => {
    const now = performance.now.bind(performance);
    let ahead = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now() + ahead);
    // The whole, then its first half, and so on: with the fifth request the first one stands by itself.
    const receiver = await receive(() => {
      if (receiver.arrivals.length >= 5) ahead = 30_001;
      return 422;
    });
    const sink = await webhook({ url: receiver.url, batch: { max: 16 }, timeout: { total: '60s' } });
    const outcomes = await sink.deliver(
      Array.from({ length: 16 }, () => deliveryOf({})),
      new AbortController().signal,
    );
    jest.restoreAllMocks();
    const later = { status: 'retry', reason: expect.stringContaining('took too long') };
    expect(outcomes).toMatchObject([{ status: 'dead' }, ...Array(15).fill(later)]);
  });
});

function eventIn({ headers, body }: Arrival): CloudEvent {
  const event = HTTP.toEvent({ headers, body });
  if (Array.isArray(event)) throw new Error('one event is no batch');
  return event as CloudEvent; // the SDK's own class implements what it declares here
}

function dataOf(name: string): JsonObject {
  const event = events.find((candidate) => candidate.name === name);
  if (event === undefined) throw new Error(`there is no event ${name}`);
  return normalise(exampleBody(event, 1_700_000_000_000, [])).data;
}

/** Each value with its name in a form, told in another way than the sink does. */
function leaves(value: unknown, name = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[name, String(value)]];
  if (name.endsWith('[]')) return [[name, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, member]) => {
    const step = Array.isArray(value) ? '' : key;
    return leaves(member, name === '' ? step : `${name}[${step}]`);
  });
}

async function arrivalOf(options: object, parts: Parameters<OpenWebhook['send']>[0] = {}): Promise<Arrival> {
  const receiver = await receive();
  const sink = await webhook({ url: receiver.url, ...options });
  expect(await sink.send(parts)).toMatchObject({ status: 'delivered' });
  const [arrival] = receiver.arrivals;
  if (arrival === undefined) throw new Error('nothing has arrived');
  return arrival;
}
