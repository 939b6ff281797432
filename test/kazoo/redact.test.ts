import { describe, expect, test } from '@jest/globals';
import { events } from '../../src/kazoo/catalogue.ts';
import { decode, unlimited } from '../../src/kazoo/decode.ts';
import type { JsonObject } from '../../src/kazoo/notification.ts';
import { redact } from '../../src/kazoo/redact.ts';
import { shape } from '../../src/routes/shape.ts';

describe('redacting', () => {
  test('replaces every field that the catalogue marks, and nothing else of a catalogue example’s own fields', () => {
    for (const { name, example, fields } of events) {
      const before = take(example, []).data ?? {};
      for (const field of fields) {
        if (before[field.name] === undefined) continue;
        const original = decode(raw(example), unlimited).data?.[field.name];
        if (field.secret) expect([name, field.name, before[field.name]]).toEqual([name, field.name, '[redacted]']);
        else if (field.type !== 'object') expect([name, before[field.name]]).toEqual([name, original]);
      }
    }
  });

  test('replaces what a key’s name says is a secret, at any depth', () => {
    const { data, json, secrets } = take({
      'Event-Name': 'customer_update',
      DataBag: { Users: [{ Password: 'hunter2', Name: 'Ann' }], 'Auth-Token': { Value: 'hunter3' }, 'X-Cookie': 4 },
      Deep: [{ 'X-API-Key': 'hunter5' }, { apikey: 'hunter6' }],
      Authorization: 'hunter7',
      Authorizing: 'harmless',
    });
    expect(data?.databag).toEqual({
      users: [{ password: '[redacted]', name: 'Ann' }],
      auth_token: '[redacted]',
      x_cookie: '[redacted]',
    });
    expect(data).toMatchObject({
      deep: [{ x_api_key: '[redacted]' }, { apikey: '[redacted]' }],
      authorizing: 'harmless',
    });
    expect(json).not.toContain('hunter');
    expect(JSON.parse(json)).toEqual(data);
    expect(secrets).toEqual([]);
  });

  test('replaces the broker’s URI, which may hold a password, in every event, known or not', () => {
    for (const name of [...events.map((event) => event.name), 'of_our_own', undefined]) {
      const body = { 'Event-Name': name ?? null, 'AMQP-Broker': 'amqp://kazoo:hunter2@broker' };
      const { data, json, secrets } = take(body, ['amqp_broker']);
      expect([name, data?.amqp_broker]).toEqual([name, '[redacted]']);
      expect(json).not.toContain('hunter');
      expect(secrets).toEqual([{ path: ['amqp_broker'], value: 'amqp://kazoo:hunter2@broker' }]);
    }
  });

  test('replaces request headers and request data in the details of an alert', () => {
    const { data } = take({
      'Event-Name': 'system_alert',
      Details: {
        'Request-Headers': { 'X-Auth': 'hunter' },
        Request: { Req_Headers: ['hunter'], 'Req-Data': { pin: 'hunter' }, path: '/v2/accounts' },
        'Request-Data': 'hunter',
        'Account-ID': 'a1',
      },
    });
    expect(data?.details).toEqual({
      request_headers: '[redacted]',
      request: { req_headers: '[redacted]', req_data: '[redacted]', path: '/v2/accounts' },
      request_data: '[redacted]',
      account_id: 'a1',
    });
  });

  test('keeps a secret apart where a route reveals it, and gives it to that route only', () => {
    const body = {
      'Event-Name': 'new_user',
      Password: 'hunter2',
      Extra: { Token: 'hunter3', Deep: [{ 'API-Key': 'hunter4' }] },
    };
    const notification = take(body, ['password', 'extra.deep']);
    expect(notification.json).not.toContain('hunter');
    expect(notification.secrets).toEqual([
      { path: ['password'], value: 'hunter2' },
      { path: ['extra', 'deep', '0', 'api_key'], value: 'hunter4' },
    ]);
    const entry = { ...notification, seq: 1, resendOf: null };
    expect(shape(entry, []).json).not.toContain('hunter');
    expect(JSON.parse(shape(entry, ['password']).json).data).toMatchObject({
      password: 'hunter2',
      extra: { token: '[redacted]', deep: [{ api_key: '[redacted]' }] },
    });
    expect(shape(entry, ['extra']).envelope.data).toMatchObject({
      password: '[redacted]',
      extra: { token: '[redacted]', deep: [{ api_key: 'hunter4' }] },
    });
    expect(notification.data).toMatchObject({ password: '[redacted]' });
  });

  test('reveals a whole object, with all in it', () => {
    const hook = { uri: 'https://example.com/?key=hunter', custom_data: { token: 'hunter' } };
    const notification = take({ 'Event-Name': 'webhook', Hook: hook, Data: {} }, ['hook']);
    expect(notification.data?.hook).toBe('[redacted]');
    expect(shape({ ...notification, seq: 1, resendOf: null }, ['hook']).envelope.data?.hook).toEqual(hook);
  });

  test('finds one behind a long list', () => {
    const list = [...Array.from({ length: 100_000 }, () => 0), { Token: 'hunter' }];
    const { json, secrets } = take({ 'Event-Name': 'new_user', List: list }, ['list']);
    expect(json).not.toContain('hunter');
    expect(secrets).toEqual([{ path: ['list', '100000', 'token'], value: 'hunter' }]);
  });

  test('leaves a body alone that holds no secret', () => {
    const decoded = decode(raw({ 'Event-Name': 'low_balance', 'Current-Balance': 1 }), unlimited);
    const { json } = decoded;
    expect(redact(decoded, ['password'])).toBe(decoded);
    expect(decoded.json).toBe(json);
  });

  test('copes with secrets whose names would reach a prototype', () => {
    const { data, json } = take(JSON.parse('{"__proto__":{"Token":"hunter"},"constructor":{"Token":"hunter"}}'));
    expect(json).toBe('{"__proto__":{"token":"[redacted]"},"constructor":{"token":"[redacted]"}}');
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });
});

function take(body: JsonObject, reveals: string[] = []) {
  const notification = redact(decode(raw(body), unlimited), reveals);
  return { ...notification, data: JSON.parse(notification.json) as JsonObject };
}

function raw(body: JsonObject) {
  return {
    body: Buffer.from(JSON.stringify(body)),
    routingKey: 'notifications.a.b',
    contentEncoding: undefined,
    timestamp: undefined,
    zone: 'west',
    receivedAt: 1_700_000_000_000,
  };
}
