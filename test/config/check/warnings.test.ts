import { describe, expect, test } from '@jest/globals';
import { diagnosticText } from '../../../src/config/diagnostics.ts';
import { checkConfig, readConfig } from '../../../src/config/load.ts';
import { configFolder, given } from '../../support/config-folder.ts';

const folder = configFolder();
const broker = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
const whole = `${broker}routes: { all: { sink: { type: log } } }\n`;
const route = (options: string) => `${broker}routes:\n  all:\n    sink: { type: log }\n${indent(options, 4)}`;
const shared = (url: string) => `journal: { url: 'postgres://u:geheim@${url}', spool: /b }\n`;
const sink = (type: string, options: string) =>
  `${broker}routes:\n  all:\n    sink:\n      type: ${type}\n${indent(options, 6)}`;

const doubts: Readonly<Record<string, string>> = {
  'an event that is not in the catalogue': route('events: [voicemail_nwe, missed_call]'),
  'a pattern that matches no event': route('events: [voicemial_*]'),
  'only unknown events, which are quarantined': route('events: [port_rejectd]\nunknown: quarantine'),
  'an event twice': route('events: [missed_call, missed_call]'),
  'a zone that one of several is not': `brokers:\n  - { zone: west, url: amqp://10.0.0.1 }\n  - { zone: east, url: amqp://10.0.0.2 }\nroutes: { all: { zones: [west, eats], sink: { type: log } } }`,
  'only zones of no broker': route('zones: [north]'),
  'an expected event of a zone of no broker': `${whole}expect: [{ event: topup, within: 1d, zone: wets }]`,
  'accepted places of an event that is not in the catalogue': `${whole}validation: { accept: { top_upp: [/a], '*': [/b], 'relay_*': [/c] } }`,
  'an account that can’t be one': route(
    'accounts: [4F5E6D7C8B9A00112233445566778899, 4f5e6d7c8b9a00112233445566778899]',
  ),
  'only accounts that can’t be one': route('accounts: [sales]'),
  'something to reveal that is nowhere': route('reveal: [pasword, details.request_headers]'),
  'a start in the future': route('start: 2999-01-01T00:00:00Z'),
  'no try but the first': route('retry: { schedule: [] }'),
  'two routes into one file': `${broker}routes:\n  one: { sink: { type: file, path: FOLDER/a } }\n  two: { sink: { type: file, path: FOLDER/./b/../a } }`,
  'a file that grows without end': sink('file', 'path: a\nmaxSize: 0\nrotate: 0'),
  'compressing where no file is rotated': sink('file', 'path: a\nmaxSize: 0\nrotate: 0\ncompress: gzip'),
  'a request that has longer than its route': sink('webhook', 'url: https://a\ntimeout: { total: 1m }'),
  'a connection that has longer than its request': sink('webhook', 'url: https://a\ntimeout: { total: 5s }'),
  'a certificate that nobody checks': sink('webhook', 'url: https://a\ntls: { verify: false }'),
  'a token that goes unencrypted': sink('webhook', 'url: http://crm.example.com\nauth: { bearer: { token: geheim } }'),
  'secrets that go unencrypted in headers, fields and the query': sink(
    'webhook',
    'url: http://crm.example.com/?api_key=geheim&page=1\nformat: kazoo-json\nheaders: { Cookie: geheim, X-Session: geheim, X-Zone: west }\nfields: { pin: geheim, region: eu }',
  ),
  'what is revealed and goes unencrypted': `${broker}routes: { all: { reveal: [password], sink: { type: webhook, url: http://crm.example.com } } }`,
  'a token of OAuth 2 that is fetched unencrypted': sink(
    'webhook',
    'url: https://a\nauth: { oauth2: { tokenUrl: http://login.example.com/token, clientId: a, clientSecret: geheim } }',
  ),
  'a password that goes unencrypted to a proxy': sink(
    'webhook',
    'url: https://a\nproxy: http://me:geheim@10.0.0.1:3128',
  ),
  'a name that looks like an address of this machine': sink(
    'webhook',
    'url: http://127.evil.example.com\nauth: { bearer: { token: geheim } }',
  ),
  'a password that goes unencrypted to a broker': `brokers:\n  - { zone: west, url: amqp://kazoo:geheim@10.0.0.1 }\n  - { zone: east, url: amqp://kazoo:geheim@127.example.com }\nroutes: { all: { sink: { type: log } } }`,
  'a port that others reach': `${whole}http: { listen: 0.0.0.0:9400 }`,
  'a port that others reach, by its name': `${whole}http: { listen: 'relay.example.com:9400' }`,
  'a zone that is misread in a header': `brokers:\n  - { zone: west, url: amqp://10.0.0.1 }\n  - { zone: Köln, url: amqp://10.0.0.2 }\nroutes: { all: { sink: { type: webhook, url: https://a, format: cloudevents-binary } } }`,
  'a password that goes unencrypted to a RabbitMQ': sink('amqp', 'url: amqp://u:geheim@bus.example.com\nexchange: e'),
  'what is revealed and goes unencrypted to a syslog server, or is lost': `${broker}routes: { all: { reveal: [password], sink: { type: syslog, url: 'udp://logs.example.com:514' } } }`,
  'a session token that goes unencrypted to a store': sink(
    's3',
    'endpoint: http://store.example.com\nbucket: b12\naccessKeyId: a\nsecretAccessKey: geheim\nsessionToken: geheim',
  ),
  'an object of one notification of an account': `${broker}routes: { all: { order: account, sink: { type: s3, bucket: b12, accessKeyId: a, secretAccessKey: geheim } } }`,
  'a statement that has longer than its route': sink('database', 'url: postgres://h/d\nstatementTimeout: 1m'),
  'a broker whose certificate nobody checks': `brokers: [{ zone: west, url: 'amqps://h?verify=verify_none' }]\nroutes: { all: { sink: { type: log } } }`,
  'a broker twice': `brokers:\n  - { zone: west, url: amqp://a@10.0.0.1 }\n  - { zone: east, url: 'amqp://b@10.0.0.1:5672/' }\nroutes: { all: { sink: { type: log } } }`,
  'a broker twice, with its virtual host in other words': `brokers:\n  - { zone: west, url: amqp://10.0.0.1 }\n  - { zone: east, url: 'amqp://10.0.0.1/%2F' }\nroutes: { all: { sink: { type: log } } }`,
  'a batch that never fills': `${whole}intake: { prefetch: 100 }`,
  'a watch that looks too seldom': `${whole}intake: { watch: { interval: 1m } }`,
  'a queue that is gone at once': `${whole}queue: { expires: 10s }`,
  'daemons that share a journal, and take each other for strangers': `${broker}${shared('127.0.0.1/d')}routes: { a: { sink: { type: webhook, url: https://a } } }`,
  'a shared journal that others can read on the way': `${broker}queue: { consumers: 2 }\n${shared('10.0.0.1,10.0.0.2/d')}routes: { a: { host: b, sink: { type: log } } }`,
  'a shared journal whose server anybody can pose as': `${broker}queue: { consumers: 2 }\n${shared('10.0.0.1/d?sslmode=require')}routes: { a: { every: true, sink: { type: log } } }`,
  'a host of a route where daemons share nothing': route('host: one'),
  'a route for every daemon where daemons share nothing': route('every: true'),
  'a log that says nothing': `${whole}log: { level: silent }`,
};

describe('what is surely not meant is warned of, with its place', () => {
  test.each(Object.entries(doubts))('%s', (_what, text) => {
    const warnings = warningsOf(text);
    expect(warnings).not.toBe('');
    expect(warnings).not.toContain('geheim');
    expect(warnings).toMatchSnapshot();
  });
});

describe('what does nothing with the events that a route selects is warned of', () => {
  const where = (events: string, text: string) =>
    `${broker}routes:\n  all:\n    events: ${events}\n    where: |-\n${indent(text, 6)}\n    sink: { type: log }\n`;
  const columns = (source: string) =>
    `${broker}routes: { all: { events: missed_call, sink: { type: database, url: 'sqlite:///a', columns: { x: ${source} } } } }`;
  const template = (body: string, events = 'missed_call') =>
    `${broker}routes:\n  all:\n    events: ${events}\n    sink:\n      type: webhook\n      url: https://a\n      format: template\n      template:\n        body: |-\n${indent(body, 10)}`;

  test.each([
    [
      where('[missed_call, voicemail_new]', 'data.caller_id_numbr == "1"'),
      'where none of missed_call, voicemail_new has a field caller_id_numbr; did you mean caller_id_number?',
    ],
    [where('[]', 'data.numbr == "1"'), 'where no event has a field numbr; did you mean number?'],
    [
      where('low_balance', 'data.voicemail_box == "1"'),
      'where no low_balance has a field voicemail_box; voicemail_deleted, voicemail_full, voicemail_new and others have one',
    ],
    [
      where('missed_call', 'data["Caller-ID-Number"] == "1"'),
      'where Caller-ID-Number is the name on the wire: write data.caller_id_number',
    ],
    [
      where('missed_call', 'data.caller_id_number > 5'),
      'where data.caller_id_number is text, and compared with a number: that is never true; write "5"',
    ],
    [
      where('missed_call', 'data.caller_id_number in [1, 2]'),
      'where data.caller_id_number is text, and compared with a number: that is never true; write "1"',
    ],
    [
      where('low_balance', 'data.current_balance != "0"'),
      'where data.current_balance is a number, and compared with text: that is always true; write 0',
    ],
    [where('missed_call', 'event == "transaction"'), 'where the route selects no transaction, so that is never true'],
    [
      where('[]', 'event == "voicemail_*"'),
      'where == knows no patterns, so that is never true: write event.startsWith("voicemail_")',
    ],
    [
      where('missed_call', 'data.caller_id_number'),
      "where can't be evaluated for the example of any event: it gives neither true nor false",
    ],
    [
      where('missed_call', 'data.caller_id_number.length > 3'),
      'where data.caller_id_number is text, and has no length',
    ],
    [
      route('events: missed_call\nshape: { pick: [data.caller_id_numbr], omit: [data.Caller-ID-Name] }'),
      'shape.pick[0] no missed_call has a field caller_id_numbr; did you mean caller_id_number?',
      'shape.omit[0] Caller-ID-Name is the name on the wire: write data.caller_id_name',
    ],
    [
      columns('caller_id_number text'),
      'sink.columns.x caller_id_number is no key of the envelope: write data.caller_id_number',
    ],
    [
      columns('data.caller_id_numbr text'),
      'sink.columns.x no missed_call has a field caller_id_numbr; did you mean caller_id_number?',
    ],
    [
      template('{ "from": "{{ caller_id_number }}" }'),
      'sink.template.body caller_id_number is no key of the envelope: write data.caller_id_number',
    ],
    [
      template('{ "from": "{{ data.Caller-ID-Number }}" }'),
      'sink.template.body Caller-ID-Number is the name on the wire: write data.caller_id_number',
    ],
    [
      template('{ "from": {{ data.caller_id_number }} }'),
      'sink.template.body the template gives no JSON for this notification, as its contentType says it does (example of missed_call)',
    ],
    [
      template('{ "event": {{ event }} }', '[voicemail_*]'),
      'sink.template.body the template gives no JSON for this notification, as its contentType says it does (example of voicemail_deleted, voicemail_full, voicemail_new, voicemail_saved)',
    ],
  ])('%s', (text, ...expected) => {
    const { warnings } = readConfig(folder.write('relay.yaml', text), given({}));
    expect(warnings.map(({ option, message }) => `${option.replace('routes.all.', '')} ${message}`)).toEqual(expected);
  });

  test('with the place in a condition', () => {
    const file = folder.write('relay.yaml', where('missed_call', 'event != null &&\ndata.caller == "1"'));
    expect(readConfig(file, given({})).warnings).toMatchObject([
      { excerpt: { line: 'data.caller == "1"', column: 1 } },
    ]);
  });

  test.each([
    where('transaction', 'data.success == "true" || data.success'),
    where('[]', 'has(data.to) && data.to.exists(t, t == "a")'),
    where('low_balance', 'data.current_balance < 0'),
    where('[missed_call, nobody_knows]', 'data.anything == 1'),
    template('{ "a": "{{ fields.x }}{% for one in data.to %}{{ one.name }}{% endfor %}{{ data.notify.x }}" }'),
    route('events: missed_call\nshape: { set: { data.tenant: acme }, pick: [data.caller_id_number] }'),
  ])('but not what has a meaning: %s', (text) => {
    const { warnings } = readConfig(folder.write('relay.yaml', text), given({}));
    expect(warnings.filter(({ message }) => !message.includes('catalogue of events'))).toEqual([]);
  });

  test('and fields of the operator’s own schemas are known', () => {
    folder.write('schemas/missed_call.json', '{ "properties": { "tenant": { "type": "string" } } }');
    folder.write('schemas/own_event.json', '{ "properties": { "colour": {} } }');
    folder.write('schemas/free_event.json', '{ "type": "object" }');
    folder.write('schemas/low_balance.json', '{ "properties": {}, "allOf": [{ "properties": { "hue": {} } }] }');
    const warned = (events: string, text: string) => {
      const config = `${where(events, text)}validation: { schemas: FOLDER/schemas }\n`;
      return readConfig(folder.write('relay.yaml', config), given({})).warnings.map(({ message }) => message);
    };
    expect(warned('missed_call', 'data.tenant == "a" && data.caller_id_number == "1"')).toEqual([]);
    expect(warned('own_event', 'data.colour == "red"')).toEqual([]);
    expect(warned('own_event', 'data.color == "red"')).toEqual([
      'no own_event has a field color; did you mean colour?',
    ]);
    expect(warned('free_event', 'data.anything == "red"')).toEqual([]);
    expect(warned('low_balance', 'data.hue == "red"')).toEqual([]);
  });
});

test('what is right is doubted beside what is wrong, and nothing that this might be at fault for', () => {
  const text = `brokers: [{ zone: west, url: http://127.0.0.1 }]
queue: { expires: 10s }
journal: { maxSize: big }
routes:
  one: { events: [missed_cal], zones: [wets], sink: { type: file, path: a } }
  two: { accounts: [nobody], sink: { type: file, path: a } }
  three: { events: [missed_cal], retry: { schedule: soon }, sink: { type: file, path: a } }
`;
  const { errors, warnings } = checkConfig(folder.write('relay.yaml', text), given({}));
  expect(errors.map(({ option }) => option)).toEqual([
    'brokers[0].url',
    'journal.maxSize',
    'routes.three.retry.schedule',
  ]);
  expect(warnings.map(({ option }) => option)).toEqual([
    'queue.expires',
    'routes.one.events[0]',
    'routes.two',
    'routes.two.accounts[0]',
    'routes.two.sink.path',
  ]);
});

describe('nothing is said', () => {
  test('of events while it isn’t clear which there are', () => {
    const file = folder.write('relay.yaml', `${route('events: [my_event]')}\nvalidation: { schemas: [~/schemas] }\n`);
    expect(checkConfig(file, given({})).warnings).toEqual([]);
  });

  test.each(
    Object.entries({
      'of the example': '',
      'of events by their other names': route('events: [top_up, topup, "*", voicemail_*]'),
      'of a webhook on this machine without encryption': sink(
        'webhook',
        'url: http://127.0.0.1\nauth: { bearer: { token: a } }',
      ),
      'of secrets to a receiver on this machine': `${broker}routes:\n  all:\n    reveal: [password]\n    sink: { type: webhook, url: 'http://[::1]:80', headers: { Cookie: a }, auth: { oauth2: { tokenUrl: http://LOCALHOST, clientId: a, clientSecret: b } } }`,
      'of a proxy over TLS, on this machine, or without a password': `${broker}routes:\n  a: { sink: { type: webhook, url: https://a, proxy: https://me:b@proxy } }\n  b: { sink: { type: webhook, url: https://a, proxy: http://me:b@127.0.0.1 } }\n  c: { sink: { type: webhook, url: https://a, proxy: http://proxy } }`,
      'of headers that are no secrets': sink(
        'webhook',
        'url: http://a\nheaders: { X-Zone: west, Monkeys: a, X-Hook-ID: a }',
      ),
      'of passwords to brokers on this machine or over TLS, or of that of guest': `brokers:\n  - { zone: a, url: amqp://a:b@127.0.0.2 }\n  - { zone: b, url: 'amqp://a:b@[::1]' }\n  - { zone: c, url: amqps://a:b@10.0.0.1 }\n  - { zone: d, url: amqp://guest:guest@10.0.0.2 }\n  - { zone: e, url: amqp://10.0.0.3 }\n  - { zone: f, url: amqp://a:b@LocalHost }\nroutes: { all: { sink: { type: log } } }`,
      'of a port on this machine': `${whole}http: { listen: '[::1]:9400' }`,
      'of a port that is a Unix socket': `${whole}http: { listen: /run/relay.sock }`,
      'of zones that are misread in a header, and don’t come there': `brokers:\n  - { zone: west, url: amqp://10.0.0.1 }\n  - { zone: Köln, url: amqp://10.0.0.2 }\nroutes:\n  one: { zones: [west], sink: { type: webhook, url: https://a, format: cloudevents-binary } }\n  two: { sink: { type: webhook, url: https://a, format: cloudevents } }`,
      'of files that are not the same': `${broker}routes:\n  one: { sink: { type: file, path: a } }\n  two: { sink: { type: file, path: b } }`,
      'of two brokers in one zone': `brokers:\n  - { zone: west, url: amqp://10.0.0.1 }\n  - { zone: west, url: amqp://10.0.0.2 }\nroutes: { all: { sink: { type: log } } }`,
    }),
  )('%s', (_what, text) => {
    if (text === '') expect(readConfig('config/kazoo-relay.yaml', given({})).warnings).toEqual([]);
    else expect(warningsOf(text)).toBe('');
  });

  test('of events that the operator has schemas for', () => {
    folder.write('schemas/my_event.json', '{}');
    const text = `${route('events: [my_event, my_*]')}\nvalidation: { schemas: [FOLDER/schemas] }\n`;
    expect(warningsOf(text)).toBe('');
  });
});

function warningsOf(text: string): string {
  return folder.without(
    readConfig(folder.write('relay.yaml', text), given({})).warnings.map(diagnosticText).join('\n'),
  );
}

function indent(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, ' '.repeat(spaces));
}
