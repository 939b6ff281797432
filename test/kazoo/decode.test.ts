import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { exampleBody } from '../../src/cli/support/example.ts';
import { events } from '../../src/kazoo/catalogue.ts';
import { decode } from '../../src/kazoo/decode.ts';
import { redact } from '../../src/kazoo/redact.ts';
import type { Header } from '../../src/notification/header.ts';
import type { Message, Notification } from '../../src/notification/notification.ts';
import { runs } from '../support/runs.ts';

/** 2026-11-24T10:00:00Z, in Unix milliseconds and as KAZOO's AMQP timestamp. */
const published = Date.UTC(2026, 10, 24, 10);
const amqpTimestamp = (published / 1000 + 62_167_219_200) * 1e6;
const arrived = published + 250;
const limit = 1024 * 1024;
const limits = { maxBodySize: limit, maxBodyMembers: 20_000 };

const base = {
  'App-Name': 'crossbar',
  'App-Version': '4.3',
  'Event-Category': 'notification',
  'Msg-ID': 'c1b4c1f0',
  Node: 'kazoo_apps@apps1.example.com',
};

describe('decoding a message', () => {
  test('gives the envelope its parts', () => {
    const decoded = decodeJson({
      ...base,
      'Event-Name': 'voicemail_new',
      'Account-ID': 'a1',
      'Voicemail-Timestamp': 63_724_414_024,
    });
    expect(decoded).toMatchObject({
      event: 'voicemail_new',
      known: true,
      category: 'voicemail',
      accountId: 'a1',
      zone: 'west',
      node: 'kazoo_apps@apps1.example.com',
      occurredAt: Date.parse('2019-05-07T02:07:04Z'),
      receivedAt: arrived,
      routingKey: 'notifications.voicemail.new',
      preview: false,
      state: 'valid',
      problems: [],
      raw: null,
    });
    expect(decoded.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(decoded.id.replaceAll('-', '').slice(0, 12), 16)).toBe(published);
    expect(JSON.parse(decoded.json)).toEqual(decoded.data);
  });

  test('names an event by its body, whatever the routing key says, and an alias by its proper name', () => {
    expect(decodeJson({ ...base, 'Event-Name': 'top_up' }).event).toBe('topup');
    expect(
      decodeJson({ ...base, 'Event-Name': 'bill_reminder' }, { routingKey: 'notifications.account.reminder' }).event,
    ).toBe('bill_reminder');
    expect(decodeJson({ ...base, 'Event-Name': 'brand_new' })).toMatchObject({
      event: 'brand_new',
      known: false,
      category: null,
    });
  });

  test.each([[undefined], [7], [''], ['x'.repeat(129)], ['a\nb'], [{}], ['\u0000']])(
    'takes no event name from %j',
    (name) => {
      expect(decodeJson({ ...base, 'Event-Name': name })).toMatchObject({ event: null, known: false });
    },
  );

  test.each(['__proto__', 'constructor', 'toString'])('knows no event called %s', (name) => {
    expect(decodeJson({ ...base, 'Event-Name': name })).toMatchObject({ event: name, known: false });
  });

  test('finds the account where the event has it', () => {
    expect(decodeJson({ 'Event-Name': 'webhook', Data: { account_id: 'a2' } }).accountId).toBe('a2');
    expect(decodeJson({ 'Event-Name': 'system_alert', Details: { 'Account-ID': 'a3' } }).accountId).toBe('a3');
    expect(
      decodeJson({ 'Event-Name': 'system_alert', Details: { 'Custom-Channel-Vars': { 'Account-ID': 'a4' } } })
        .accountId,
    ).toBe('a4');
    expect(decodeJson({ 'Event-Name': 'register', Data: { account_id: 'a5' } }).accountId).toBeNull();
  });

  test('takes the time from the body, else from the message, else from the clock', () => {
    const time = 63_724_414_024;
    const occurred = Date.parse('2019-05-07T02:07:04Z');
    for (const own of [
      { Timestamp: time },
      { 'Event-Timestamp': time },
      { 'Fax-Timestamp': time },
      { 'Voicemail-Timestamp': String(time) },
      { Comment: { timestamp: time } },
      { Reason: { Timestamp: time } },
    ]) {
      expect(decodeJson(own).occurredAt).toBe(occurred);
    }
    expect(decodeJson({ 'Due-Date': time }).occurredAt).toBe(published);
    expect(decodeJson({ Timestamp: 'Timestamp' }).occurredAt).toBe(published);
    expect(decodeJson({ Timestamp: -1 }).occurredAt).toBe(published);
    expect(decodeJson({ Timestamp: 1e300 }).occurredAt).toBe(published);
    expect(decodeJson({}, { timestamp: undefined }).occurredAt).toBe(arrived);
    expect(decodeJson({}, { timestamp: 2 ** 63 }).occurredAt).toBe(arrived);
    expect(decodeJson({}, { timestamp: published / 1000 }).occurredAt).toBe(published);
  });

  test('takes the message’s time where that in the body is of something earlier', () => {
    const time = 63_724_414_024;
    for (const own of [
      { 'Event-Name': 'voicemail_deleted', 'Voicemail-Timestamp': String(time) },
      { 'Event-Name': 'deregister', 'Event-Timestamp': time },
    ]) {
      expect(decodeJson(own).occurredAt).toBe(published);
      expect(decodeJson(own, { timestamp: undefined }).occurredAt).toBe(arrived);
    }
  });

  test('recognises a preview', () => {
    expect(decodeJson({ ...base, Preview: true, Timestamp: 'Timestamp' }).preview).toBe(true);
    expect(decodeJson({ ...base, Preview: false }).preview).toBe(false);
  });

  test('gives a redelivery the same id, and a resend another id with the same fingerprint', () => {
    const body = { ...base, 'Event-Name': 'missed_call', 'Call-ID': 'c', 'Server-ID': 's1', 'System-Log-ID': 'l1' };
    const first = decodeJson(body);
    const redelivered = decodeJson(body, { receivedAt: arrived + 60_000 });
    const resent = decodeJson(
      { ...body, 'Msg-ID': 'other', 'Server-ID': 's2', 'Server-Queue-ID': 'q', 'System-Log-ID': 'l2' },
      { timestamp: amqpTimestamp + 6e7 },
    );
    expect(redelivered.id).toBe(first.id);
    expect(resent.id).not.toBe(first.id);
    expect(resent.fingerprint).toBe(first.fingerprint);
    expect(decodeJson({ ...body, 'Call-ID': 'd' }).fingerprint).not.toBe(first.fingerprint);
  });

  test('tells equal bodies apart by their message ids, where they have any', () => {
    const body = { ...base, 'Call-ID': 'c', 'Server-ID': 's1' };
    const ids = [undefined, 'm1', 'm2', '\u0080', '\u0081'].map((messageId) => decodeJson(body, { messageId }).id);
    expect(new Set(ids).size).toBe(5);
    expect(decodeJson(body, { messageId: 'm1', receivedAt: 0, zone: 'east' }).id).toBe(ids[1]);
    expect(decodeJson(body, { messageId: '' }).id).toBe(ids[0]);
    expect(decodeJson(body, { messageId: 'm1' })).toMatchObject({ ownTime: null, fingerprint: '' });
    const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    expect(decodeJson({}, { messageId: 'm1', digest }).id).toBe(ids[1]);
  });

  test('makes ids that stay as they are from one version to the next', () => {
    const body = Buffer.from('{"Event-Name":"low_balance"}');
    expect(decodeBytes(body).id).toBe('01a20cff-7d00-80ba-98ae-df8b869f752e');
    expect(decodeBytes(body, { messageId: 'm1' }).id).toBe('01a20cff-7d00-82c6-be5c-73bbe8a7444d');
  });

  test('knows when an equal body is certainly the same occurrence', () => {
    const answered = { ...base, 'Server-ID': 's1' };
    expect(decodeJson({ ...answered, 'Event-Name': 'low_balance', 'Current-Balance': 5 }).ownTime).toBeNull();
    expect(decodeJson({ ...answered, 'Call-ID': 'c' }).ownTime).toBe(0);
    expect(decodeJson({ ...answered, Timestamp: 63_724_414_024 }).ownTime).toBe(Date.parse('2019-05-07T02:07:04Z'));
    expect(decodeJson({ ...base, 'System-Log-ID': 'l1', 'Call-ID': 'c' }).ownTime).toBe(0);
  });

  test.each(['new_account', 'new_user', 'first_occurrence'])(
    'knows that there is no second %s with an equal body',
    (name) => {
      const body = { ...base, 'Event-Name': name, 'Account-ID': 'a1', 'Server-ID': 's1' };
      expect(decodeJson(body).ownTime).toBe(0);
      expect(decodeJson({ ...body, 'Server-ID': undefined }).ownTime).toBeNull();
    },
  );

  test('keeps the fingerprints of older journals, for bodies that KAZOO’s saving leaves as they are', () => {
    const body = {
      ...base,
      'Event-Name': 'missed_call',
      'Call-ID': 'c',
      'Server-ID': 's1',
      To: ['a', 'b'],
      Notify: { cause: 'x' },
    };
    for (const space of [0, 1]) {
      const { fingerprint } = decodeBytes(Buffer.from(JSON.stringify(body, null, space)));
      expect(fingerprint).toBe('tpQB6Pgg-6kPh0Ob54V5_g');
    }
  });

  const item = { name: 'SIP device', rate: 5, price: 1e-7, note: null };
  const savings: [what: string, body: object, saved: object][] = [
    ['an empty list', { Timestamp: 63_724_414_024, Emails: [] }, { Timestamp: 63_724_414_024 }],
    ['an empty object', { Timestamp: 63_724_414_024, Cnam: {} }, { Timestamp: 63_724_414_024, Cnam: [] }],
    ['a list of objects', { Items: [item, item], Timestamp: 63_724_414_024 }, { Items: [], Timestamp: 63_724_414_024 }],
    ['nothing', { 'Call-ID': 'c', To: ['a', 'b'] }, { 'Call-ID': 'c', To: ['a', 'b'] }],
  ];

  test.each(savings)(
    'knows a resend from whose body KAZOO’s saving took %s, in whatever way each is decoded',
    (_what, body, saved) => {
      const head = { ...base, 'Event-Name': 'bill_reminder', 'Server-ID': 's1' };
      const resent = { ...head, 'Msg-ID': 'other', 'Server-ID': 's2', ...saved };
      const texts = [{ ...head, ...body }, resent].flatMap((each) => [
        JSON.stringify(each),
        JSON.stringify(each, null, 1),
      ]);
      const prints = texts.map((text) => decodeBytes(Buffer.from(text)).fingerprint);
      expect(new Set(prints).size).toBe(1);
      expect(prints[0]).not.toBe('');
      expect(decodeJson({ ...resent, 'Due-Date': 1 }).fingerprint).not.toBe(prints[0]);
    },
  );

  test.each(events)('never takes an example of $name for the resend of another', (event) => {
    const [one, other] = [1, 2].map(() => decodeJson(exampleBody(event, published, [])));
    if (one?.ownTime !== null) expect(one?.fingerprint).not.toBe(other?.fingerprint);
  });

  test('takes nothing for a resend that nobody waits for an answer to', () => {
    const body = { ...base, 'Call-ID': 'c', Timestamp: 63_724_414_024 };
    expect(decodeJson(body)).toMatchObject({ ownTime: null, fingerprint: '' });
  });

  test('unpacks gzip', () => {
    const body = gzipSync(JSON.stringify({ ...base, 'Event-Name': 'low_balance' }));
    expect(decodeBytes(body, { contentEncoding: 'gzip' })).toMatchObject({ state: 'valid', event: 'low_balance' });
  });

  test.each([
    ...['', 'identity', 'Identity', 'binary', 'BINARY', '7bit', '8Bit', ' identity '],
    ...['utf-8', 'UTF-8', 'utf8', 'us-ascii', 'ASCII', 'iso-8859-1', 'latin1', 'windows-1252', 'utf-16', 'Shift_JIS'],
  ])('takes a body as it is where the content encoding is "%s", which packs nothing', (contentEncoding) => {
    const body = Buffer.from('{"Event-Name":"low_balance","A":"é"}');
    expect(decodeBytes(body, { contentEncoding })).toMatchObject({ state: 'valid', data: { a: 'é' } });
  });

  test('ignores a byte order mark', () => {
    expect(decodeBytes(Buffer.from('\ufeff{"Event-Name":"low_balance"}')).event).toBe('low_balance');
  });
});

describe('a body that can’t be decoded', () => {
  test.each<[string, Uint8Array, Partial<Message>, string, RegExp]>([
    ['nothing', Buffer.from(''), {}, 'json', /ends too early/],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 'encoding', /not UTF-8/],
    ['encoded surrogates', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), {}, 'encoding', /not UTF-8/],
    ['text that is no JSON', Buffer.from('{"a": tru}'), {}, 'json', /not JSON/],
    ['JSON that ends too early', Buffer.from('{"a": [1, 2'), {}, 'json', /not JSON/],
    ['an array', Buffer.from('[{}]'), {}, 'type', /not an object/],
    ['a string', Buffer.from('"Event-Name"'), {}, 'type', /not an object/],
    ['null', Buffer.from('null'), {}, 'type', /not an object/],
    ['a nest too deep', Buffer.from(`{"a":${'['.repeat(65)}${']'.repeat(65)}}`), {}, 'depth', /deeper than 64/],
    [
      'a nest far too deep',
      Buffer.from(`{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`),
      {},
      'members',
      /more than 20000 members of objects and elements of arrays together/,
    ],
    ['a body too large', Buffer.from(`{"a":"${'x'.repeat(limit)}"}`), {}, 'size', /larger than 1048576 bytes/],
    ['a gzip bomb', gzipSync(Buffer.alloc(64 * limit)), { contentEncoding: 'gzip' }, 'size', /larger than/],
    ['gzip that is none', Buffer.from('{}'), { contentEncoding: 'gzip' }, 'encoding', /not the gzip/],
    ['gzip cut short', gzipSync('{"a":1}').subarray(0, 12), { contentEncoding: 'gzip' }, 'encoding', /not the gzip/],
    [
      'another content encoding',
      Buffer.from('{}'),
      { contentEncoding: 'br' },
      'encoding',
      /neither gzip nor one that packs/,
    ],
  ])('%s has its reason and its first 64 KiB kept', (_what, body, properties, keyword, message) => {
    const decoded = decodeBytes(body, properties);
    expect(decoded).toMatchObject({
      state: 'undecodable',
      event: null,
      data: null,
      json: 'null',
      zone: 'west',
      occurredAt: published,
    });
    expect(decoded.problems).toEqual([{ path: '', keyword, message: expect.stringMatching(message) }]);
    expect(Buffer.from(decoded.raw ?? [])).toEqual(Buffer.from(body.subarray(0, 65_536)));
  });

  test('never quotes the body in its reason', () => {
    for (const text of ['{"password": "hunter2"', 'hunter2', '{"a": hunter2}', '["hunter2" "x"]']) {
      expect(JSON.stringify(decodeBytes(Buffer.from(text)).problems)).not.toContain('hunter');
    }
  });
});

describe('a body with something odd in it', () => {
  test('keeps integers beyond 2^53, and numbers beyond any double, as strings of their digits', () => {
    const { data, state } = decodeBytes(
      Buffer.from('{"A":9007199254740993,"B":[-9007199254740993],"C":1e999,"D":1.5e300,"E":9007199254740991,"F":0.1}'),
    );
    expect(state).toBe('valid');
    expect(data).toEqual({
      a: '9007199254740993',
      b: ['-9007199254740993'],
      c: '1e999',
      d: 1.5e300,
      e: 9007199254740991,
      f: 0.1,
    });
  });

  test.each([
    ['as it is written otherwise', '{"A-B":20.0,"C":[-0.0,1.0e-7,{"D":1E3}],"E":"a: 1.0","F":0.10}'],
    ['beside white space', '{ "A-B":20.0,"C":[-0.0,1.0e-7,{"D":1E3}],"E":"a: 1.0","F":0.10}'],
    ['beside a secret', '{"A-B":20.0,"C":[-0.0,1.0e-7,{"D":1E3}],"E":"a: 1.0","F":0.10,"Password":"p"}'],
  ])('keeps the text of a number %s', (_what, text) => {
    const decoded = decodeBytes(Buffer.from(text));
    expect(decoded.data).toMatchObject({ a_b: 20, c: [-0, 1e-7, { d: 1000 }], f: 0.1 });
    redact(decoded, () => []);
    const kept = '{"a_b":20.0,"c":[-0.0,1.0e-7,{"d":1E3}],"e":"a: 1.0","f":0.10';
    expect(decoded.json).toMatch(new RegExp(`^${RegExp.escape(kept)}(,"password":"\\[redacted\\]")?}$`));
  });

  test('keeps the members in their order, those of one publish too', () => {
    for (const space of ['', ' ']) {
      const text = `{"Msg-ID":"m","B":1,"Server-ID":"s","A":2,"Password":"p"}${space}`;
      const decoded = decodeBytes(Buffer.from(text));
      redact(decoded, () => []);
      expect(Object.keys(JSON.parse(decoded.json))).toEqual(['msg_id', 'b', 'server_id', 'a', 'password']);
    }
  });

  test('names the place where two keys normalise to one', () => {
    const decoded = decodeBytes(Buffer.from('{"Account-ID":"a","account_id":"b","X":{"A/B":1,"a/b":2}}'));
    expect(decoded.state).toBe('invalid');
    expect(decoded.accountId).toBe('b');
    expect(decoded.problems.map(({ path, keyword }) => [path, keyword])).toEqual([
      ['/account_id', 'duplicateKey'],
      ['/x/a~1b', 'duplicateKey'],
    ]);
  });

  test('keeps NUL characters in values, and replaces lone surrogates', () => {
    const { data, json } = decodeBytes(Buffer.from('{"A":"x\\u0000y","B":"\\ud800"}'));
    expect(data).toEqual({ a: 'x\u0000y', b: '\ufffd' });
    expect(json).toBe('{"a":"x\\u0000y","b":"\ufffd"}');
  });

  test('takes no account id or node that is no label', () => {
    expect(decodeJson({ 'Account-ID': { a: 1 }, Node: 'x'.repeat(500) })).toMatchObject({
      accountId: null,
      node: null,
    });
  });
});

describe('decoding anything', () => {
  test('any bytes, encodings and timestamps come out as a notification with an id', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(undefined, '', 'gzip', 'x'),
        anyTimestamp,
        (body, contentEncoding, timestamp) => {
          expectSound(decodeBytes(body, { contentEncoding, timestamp }));
        },
      ),
      runs(100),
    );
  });

  test('any JSON comes out as a notification whose text is its data', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false } as object), anyTimestamp, (text, timestamp) => {
        expectSound(decodeBytes(Buffer.from(text), { timestamp }));
      }),
      runs(100),
    );
  });

  test('the same message always has the same id, and different bodies different ones', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), anyTimestamp, (one, other, timestamp) => {
        const id = decodeBytes(one, { timestamp }).id;
        expect(decodeBytes(one, { timestamp, receivedAt: 1, zone: 'elsewhere' }).id).toBe(id);
        if (!Buffer.from(one).equals(Buffer.from(other))) expect(decodeBytes(other, { timestamp }).id).not.toBe(id);
      }),
      runs(100),
    );
  });
});

const anyTimestamp = fc.oneof(
  fc.constant(undefined),
  fc.constant(amqpTimestamp),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(Number),
);

function expectSound(decoded: Decoded): void {
  expect(decoded.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(decoded.json).not.toContain('\n');
  expect(JSON.parse(decoded.json)).toEqual(decoded.data);
  expect(decoded.state === 'undecodable').toBe(decoded.data === null);
  expect(new Date(decoded.occurredAt).toISOString()).toMatch(/^\d{4}-/);
}

function decodeJson(body: object, message: Partial<Message> = {}): Decoded {
  return decodeBytes(Buffer.from(JSON.stringify(body)), message);
}

function decodeBytes(body: Uint8Array, message: Partial<Message> = {}): Decoded {
  const properties = { contentEncoding: undefined, timestamp: amqpTimestamp, zone: 'west', receivedAt: arrived };
  const notification = decode({ body, routingKey: 'notifications.voicemail.new', ...properties, ...message }, limits);
  return { ...notification, ...notification.header };
}

/** A notification, with its header's fields beside its own. */
type Decoded = Notification & Header;
