import { describe, expect, test } from '@jest/globals';
import { envelopeKeys } from '../../src/notification/envelope.ts';
import { createReshape, type ShapeOptions } from '../../src/routes/reshape.ts';
import { shape } from '../../src/routes/shape.ts';
import { entry } from '../support/notification.ts';

const body = {
  event_name: 'missed_call',
  caller_id_number: '+4930',
  password: '[redacted]',
  to: [
    { name: 'Ann', email: 'ann@example.com' },
    { name: 'Bo', email: 'bo@example.com', note: null },
    'operator@example.com',
  ],
  notify: { channel: { id: 7, created: 1 } },
};
const original = entry({
  id: 'i1',
  event: 'missed_call',
  data: body,
  json: JSON.stringify(body),
  secrets: [{ path: ['password'], value: 's3cret' }],
});

/** What a sink gets, as text and as an object, which must say the same. */
function shaped(options: Partial<ShapeOptions>, reveal: string[] = []) {
  const delivery = shape(original, reveal, createReshape({ pick: [], omit: [], set: {}, ...options }));
  expect(JSON.parse(delivery.json)).toEqual(JSON.parse(JSON.stringify(delivery.envelope)));
  expect(`{${delivery.members}}`).toBe(delivery.json);
  expect(delivery.header.id).toBe('i1');
  expect(delivery.json).toMatch(/^\{"id":"i1"/);
  return JSON.parse(delivery.json);
}

test('an envelope has all its keys, in the same order as text and as an object', () => {
  const { envelope, json, members } = shape(original, []);
  expect(Object.keys(envelope)).toEqual(envelopeKeys);
  expect(json).toBe(JSON.stringify(envelope));
  expect(`{${members}}`).toBe(json);
});

describe('a shape', () => {
  test('picks what it names, and the id', () => {
    expect(shaped({ pick: ['event', 'data.caller_id_number', 'data.nope', 'data.notify.channel.id'] })).toEqual({
      id: 'i1',
      event: 'missed_call',
      data: { caller_id_number: '+4930', notify: { channel: { id: 7 } } },
    });
  });

  test('picks a whole where one path names it and another leads into it', () => {
    expect(shaped({ pick: ['data.notify.channel.id', 'data.notify'] }).data).toEqual({ notify: body.notify });
    expect(shaped({ pick: ['data.notify', 'data.notify.channel.id'] }).data).toEqual({ notify: body.notify });
  });

  test('picks and omits in every element of a list', () => {
    expect(shaped({ pick: ['data.to.*.name'] }).data.to).toEqual([{ name: 'Ann' }, { name: 'Bo' }]);
    expect(shaped({ omit: ['data.to.*.email', 'data.to.*.note'] }).data.to).toEqual([
      { name: 'Ann' },
      { name: 'Bo' },
      'operator@example.com',
    ]);
    expect(shaped({ pick: ['data.to.*.name', 'data.to.1'] }).data.to).toEqual([{ name: 'Ann' }, body.to[1]]);
    expect(shaped({ pick: ['data.*.channel.id', 'data.notify.channel.created'] }).data.notify).toEqual(body.notify);
  });

  test('omits keys of the envelope and below', () => {
    const { node, zone, data, ...rest } = shaped({ omit: ['node', 'zone', 'data.to', 'data.nope.deeper'] });
    expect({ node, zone }).toEqual({});
    expect(Object.keys(data)).toEqual(['event_name', 'caller_id_number', 'password', 'notify']);
    expect(Object.keys(rest)).toHaveLength(10);
  });

  test('sets values of its own, at the top and below data, also where something stands in the way', () => {
    const set = { tenant: 'acme', 'meta.version': 2, 'data.to': [], 'data.caller_id_number.country': 'DE' };
    expect(shaped({ pick: ['data.to', 'data.caller_id_number'], set })).toEqual({
      id: 'i1',
      data: { to: [], caller_id_number: { country: 'DE' } },
      tenant: 'acme',
      meta: { version: 2 },
    });
  });

  test('comes after the revealing of secrets', () => {
    expect(shaped({ pick: ['data.password'] }).data).toEqual({ password: '[redacted]' });
    expect(shaped({ pick: ['data.password'] }, ['password']).data).toEqual({ password: 's3cret' });
    expect(shaped({ omit: ['data.password'] }, ['password']).data.password).toBeUndefined();
  });

  test('changes nothing in what other routes get', () => {
    const before = structuredClone(body);
    shaped({ pick: ['data'], omit: ['data.to.*.email'], set: { 'data.notify.channel.id': 8, 'data.new': 1 } });
    expect(body).toEqual(before);
  });

  test('takes keys that JavaScript knows for keys like others', () => {
    const data = JSON.parse('{"__proto__": {"a": 1, "b": 2}, "c": 3}');
    const hostile = entry({ data, json: JSON.stringify(data) });
    const reshape = createReshape({ pick: ['data'], omit: ['data.__proto__.a'], set: { 'data.__proto__.d': 4 } });
    expect(JSON.parse(shape(hostile, [], reshape).json).data).toEqual(
      JSON.parse('{"__proto__": {"b": 2, "d": 4}, "c": 3}'),
    );
    expect(Object.getPrototypeOf({})).not.toHaveProperty('d');
  });
});
