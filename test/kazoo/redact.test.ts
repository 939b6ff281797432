import { describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/common/json.ts';
import { noLimits } from '../../src/kazoo/body.ts';
import { commonFields, events } from '../../src/kazoo/catalogue.ts';
import { decode } from '../../src/kazoo/decode.ts';
import { isSecretName, normalise } from '../../src/kazoo/normalise.ts';
import { redact } from '../../src/kazoo/redact.ts';
import { isSecretParameter, withoutSecrets } from '../../src/kazoo/secrets.ts';
import { Entry } from '../../src/notification/entry.ts';
import { shape } from '../../src/routes/shape.ts';

/** One of each word and each pair. */
const secretNames = [
  ...['password', 'passwd', 'pass', 'pwd', 'pass_word', 'passphrase', 'pass_phrase', 'passcode', 'pin', 'pins'],
  ...['user_pass', 'credential', 'credentials', 'pvt_md5_auth', 'pvt_sha1_auth', 'private_key', 'ssh_key', 'sshkey'],
  ...['encryption_key', 'access_key', 'accesskey', 'auth', 'auth_key', 'api_key', 'apikey', 'bearer', 'jwt'],
  ...['session_id', 'sessionid', 'otp', 'totp', 'totp_seed', 'ha1', 'nonce', 'card_number', 'cvv', 'cvc', 'dsn'],
  ...['reset_link', 'verification_code', 'token', 'authtoken', 'auth_token', 'cookie', 'secret', 'authorization'],
];

const harmlessNames = [
  ...['authorizing_id', 'authorizing_type', 'authorized_by', 'shipping', 'shipping_address', 'author', 'authors'],
  ...['passenger', 'bypass', 'compass', 'pinned', 'spin', 'opinion', 'mapping', 'credentialed', 'bearers', 'announce'],
  ...['private', 'key', 'keys', 'routing_key', 'access_group', 'session', 'card_type', 'card_numbered', 'link', 'code'],
  ...['conference_link', 'postal_code', 'fax_result_code', 'currency_code', 'amqp_broker_zone', 'ha12', 'laptop'],
];

/** What is looked into, and what becomes of it. */
const texts: readonly (readonly [string, string])[] = [
  ['https://example.com/path?page=2#top', 'https://example.com/path?page=2#top'],
  ['see https://example.com/hunter.', 'see https://example.com/hunter.'],
  ['ssh://git@example.com/hunter', 'ssh://git@example.com/hunter'],
  ['http://[::1]:8080/@hunter', 'http://[::1]:8080/@hunter'],
  ['mailto:hunter@example.com', 'mailto:hunter@example.com'],
  ['amqp://kazoo:hunter@broker:5672/vhost', '[redacted]'],
  ['HTTPS://hunter@example.com', '[redacted]'],
  ['https://:hunter@example.com', '[redacted]'],
  ['at https://example.com/?Token=hunter and https://example.com', 'at [redacted] and https://example.com'],
  ['<https://example.com/?a=1&X-Amz-Signature=hunter>', '<[redacted]>'],
  ['https://example.com/#access_token=hunter', '[redacted]'],
  ['https://example.com/?key=hunter', '[redacted]'],
  ['postgres://u:hunter@db/x then amqp://u:hunter@b', '[redacted] then [redacted]'],
  ['{"password":"hunter"}', '[redacted]'],
  ['[{"a":{"X-Auth-Token" : "hunter"}}]', '[redacted]'],
  ['{"inner":"{\\"password\\":\\"hunter\\"}"}', '[redacted]'],
  ['{"password":"hunt', '[redacted]'],
  ['[{<<"pvt_md5_auth">>,<<"hunter">>}]', '[redacted]'],
  ['{password, "hunter"}', '[redacted]'],
  ["{'password': 'hunter'}", '[redacted]'],
  ['{"url":"https://u:hunter@h"}', '{"url":"[redacted]"}'],
  ['{"text":"a password, hunter"}', '{"text":"a password, hunter"}'],
  ['a password: hunter', 'a password: hunter'],
];

const none = () => [];

describe('redacting', () => {
  test('replaces every field that the catalogue marks, and nothing else of a catalogue example’s own fields', () => {
    for (const { name, example, fields } of events) {
      const before = take(example, []).data ?? {};
      for (const field of fields) {
        if (before[field.name] === undefined) continue;
        const original = decode(raw(example), noLimits).data?.[field.name];
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

  test.each(secretNames)(
    'takes %s for the name of a secret, in a body, in JSON within a string, in a header',
    (name) => {
      for (const wire of [name, name.toUpperCase().replaceAll('_', '-'), `X-${name}`, `${name}-2`]) {
        const { json } = take({ 'Event-Name': 'of_our_own', Deep: [{ [wire]: 'hunter2' }] });
        expect([wire, json]).toEqual([wire, expect.not.stringContaining('hunter2')]);
        const { text } = take({ Text: JSON.stringify({ [wire]: 'hunter2' }) }).data;
        expect([wire, text]).toEqual([wire, '[redacted]']);
        expect([wire, isSecretParameter(wire)]).toEqual([wire, true]);
      }
    },
  );

  test.each(harmlessNames)('takes %s for no name of a secret', (name) => {
    expect(isSecretName(name)).toBe(false);
    expect(take({ Text: JSON.stringify({ [name]: 1 }) }).data.text).toBe(JSON.stringify({ [name]: 1 }));
  });

  test('takes no key of the catalogue for one but those that the catalogue marks', () => {
    const fields = [...commonFields, ...events.flatMap((event) => event.fields)];
    expect(fields.filter(({ name, secret }) => !secret && isSecretName(name))).toEqual([]);
    // Nor any that an example shows below its fields, beside what is replaced as a whole.
    for (const { example } of events) {
      const { data } = normalise(example);
      const whole = new Set(fields.filter(({ secret }) => secret).map(({ name }) => name));
      const inner = Object.entries(data).flatMap(([name, value]) => (whole.has(name) ? [] : keysIn(value)));
      expect(inner.filter(isSecretName)).toEqual(
        example['Event-Name'] === 'system_alert' ? ['x_auth_token', 'password'] : [],
      );
    }
  });

  test.each(texts)('makes of a string that is looked into, %j, %j', (text, clean) => {
    const { data, json } = take({ 'Event-Name': 'of_our_own', Text: text, Deep: { List: [0, [text]] } }, []);
    expect(data).toMatchObject({ text: clean, deep: { list: [0, [clean]] } });
    expect(json.includes('hunter')).toBe(clean.includes('hunter'));
    // The other way that a body can go.
    expect(
      redact(decode({ ...raw({}), body: Buffer.from(`{ "Text": ${JSON.stringify(text)}}`) }, noLimits), none).json,
    ).toBe(JSON.stringify({ text: clean }));
  });

  test.each<[string, (n: number) => string]>([
    ['brackets', (n) => '{'.repeat(n)],
    ['names', (n) => `{${'a '.repeat(n)}`],
    ['names of secrets that are no keys', (n) => `[${'pin '.repeat(n)}`],
    ['one long name', (n) => `{"${'pin_a'.repeat(n)}`],
    ['what may stand between a name and its colon', (n) => `[${`pin${'"'.repeat(n)}`.repeat(9)}`],
    ['backslashes', (n) => `{pin${'\\'.repeat(n)}pin${'\\'.repeat(n)}:`],
    ['beginnings of tuples', (n) => `[${'{<<"'.repeat(n)}pin`],
    ['URLs', (n) => 'a://b '.repeat(n)],
    ['URLs within one another', (n) => 'a://'.repeat(n)],
    ['ends of schemes', (n) => '://'.repeat(n)],
    ['a long scheme', (n) => `${'a'.repeat(n)}://`],
    ['a long host', (n) => `https://${'a:'.repeat(n)}`],
    ['parameters', (n) => `a://b${'?a'.repeat(n)}${'&a='.repeat(n)}`],
  ])('looks at each character of %s a few times, however many there are', (_what, text) => {
    const [once = 0, twice = 0] = [500, 1_000].map((n) => charactersRead(() => withoutSecrets(text(n), () => false)));
    expect(once).toBeGreaterThan(0);
    expect(twice).toBeLessThan(3 * once);
  });

  test('looks into an alert’s message and into its details where they are a string', () => {
    const alert = (parts: JsonObject) => take({ 'Event-Name': 'system_alert', ...parts }).data;
    const message = 'no answer from https://relay:hunter@crm.example.com/, and so on';
    expect(alert({ Message: message }).message).toBe('no answer from [redacted] and so on');
    const headers = JSON.stringify({ req_headers: { 'x-any': 'hunter' } });
    expect(alert({ Details: headers }).details).toBe('[redacted]');
    expect(alert({ Details: { Request: headers } }).details).toEqual({ request: '[redacted]' });
    expect(alert({ Message: headers }).message).toBe(headers);
  });

  test('finds a URL also where its slashes are escaped', () => {
    const body = Buffer.from('{"a":"https:\\/\\/u:hunter@h","b":1}');
    expect(redact(decode({ ...raw({}), body }, noLimits), none).json).toBe('{"a":"[redacted]","b":1}');
  });

  test('keeps the whole of a string apart that a route reveals', () => {
    const text = 'from https://u:hunter@h now';
    const notification = take({ Message: text, Deep: [text] }, ['message']);
    expect(notification.secrets).toEqual([{ path: ['message'], value: text }]);
    expect(notification.data).toEqual({ message: 'from [redacted] now', deep: ['from [redacted] now'] });
    const { data } = shape(new Entry(1, null, notification), ['message']).envelope;
    expect(data).toEqual({ message: text, deep: ['from [redacted] now'] });
  });

  test('replaces the broker’s URI, which may hold a password, in every event, known or not', () => {
    for (const name of [...events.map((event) => event.name), 'of_our_own', undefined]) {
      const uri = { 'AMQP-Broker': 'amqp://kazoo:hunter2@broker' };
      const body = { 'Event-Name': name ?? null, ...uri, Deep: [{ ...uri, 'Old-AMQP-Broker': 'hunter3' }] };
      const { data, json, secrets } = take(body, ['amqp_broker']);
      expect([name, data?.amqp_broker]).toEqual([name, '[redacted]']);
      expect(data.deep).toEqual([{ amqp_broker: '[redacted]', old_amqp_broker: '[redacted]' }]);
      expect(json).not.toContain('hunter');
      expect(secrets).toEqual([{ path: ['amqp_broker'], value: 'amqp://kazoo:hunter2@broker' }]);
    }
  });

  test('replaces the headers that came with any event, be they one text', () => {
    for (const raw of ['Authorization: Bearer hunter', { Authorization: 'hunter', 'X-Any': 'hunter' }]) {
      const { json } = take({ 'Event-Name': 'low_balance', 'Raw-Headers': raw });
      expect(JSON.parse(json)).toEqual({ event_name: 'low_balance', raw_headers: '[redacted]' });
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

  test('replaces the link in an alert that opens a report without a login, and no other event’s', () => {
    const link = { 'Attachment-URL': 'https://example.com/report' };
    expect(take({ 'Event-Name': 'system_alert', ...link }).data?.attachment_url).toBe('[redacted]');
    expect(take({ 'Event-Name': 'low_balance', ...link }).data?.attachment_url).toBe(link['Attachment-URL']);
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
    const entry = new Entry(1, null, notification);
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
    expect(shape(new Entry(1, null, notification), ['hook']).envelope.data?.hook).toEqual(hook);
  });

  test('finds one behind a long list', () => {
    const list = [...Array.from({ length: 100_000 }, () => 0), { Token: 'hunter' }];
    const { json, secrets } = take({ 'Event-Name': 'new_user', List: list }, ['list']);
    expect(json).not.toContain('hunter');
    expect(secrets).toEqual([{ path: ['list', '100000', 'token'], value: 'hunter' }]);
  });

  test('leaves a body alone that holds no secret', () => {
    const decoded = decode(raw({ 'Event-Name': 'low_balance', 'Current-Balance': 1 }), noLimits);
    const { json } = decoded;
    expect(redact(decoded, () => ['password'])).toBe(decoded);
    expect(decoded.json).toBe(json);
  });

  test('copes with secrets whose names would reach a prototype', () => {
    const { data, json } = take(JSON.parse('{"__proto__":{"Token":"hunter"},"constructor":{"Token":"hunter"}}'));
    expect(json).toBe('{"__proto__":{"token":"[redacted]"},"constructor":{"token":"[redacted]"}}');
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });
});

/** How many characters regular expressions went through, and how many were copied for them. */
function charactersRead(work: () => unknown): number {
  let read = 0;
  const { exec } = RegExp.prototype;
  const { slice } = String.prototype;
  jest.spyOn(RegExp.prototype, 'exec').mockImplementation(function (this: RegExp, text) {
    const from = this.lastIndex;
    const found = exec.call(this, text);
    read += found === null ? text.length - from : found.index + found[0].length - from;
    return found;
  });
  jest.spyOn(String.prototype, 'slice').mockImplementation(function (this: string, from, to) {
    const piece = slice.call(this, from, to);
    read += piece.length;
    return piece;
  });
  try {
    work();
  } finally {
    jest.restoreAllMocks();
  }
  return read;
}

function keysIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(keysIn);
  return Array.isArray(value) ? inner : [...Object.keys(value), ...inner];
}

function take(body: JsonObject, reveals: string[] = []) {
  const notification = redact(decode(raw(body), noLimits), () => reveals);
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
