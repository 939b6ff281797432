// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested

import { chmodSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { configText } from '../../../src/config/describe/show.ts';
import { diagnosticText, isWithin, PathMap } from '../../../src/config/diagnostics.ts';
import { loadConfig, readConfig } from '../../../src/config/load.ts';
import { readSource } from '../../../src/config/read/source.ts';
import { leavesIn, setValue, valueAt } from '../../../src/config/read/tree.ts';
import { variableOf } from '../../../src/config/read/variables.ts';
import { configFolder, given } from '../../support/config-folder.ts';

const folder = configFolder();
const broker = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
const whole = `${broker}routes: { all: { sink: { type: log } } }\n`;

describe('what goes before what', () => {
  test('a flag, then the environment, then the file, then the default', () => {
    const file = folder.write('relay.yaml', `${whole}log: { level: debug }\n`);
    const env = { KAZOO_RELAY_LOG_LEVEL: 'warn' };
    expect(loadConfig(folder.write('default.yaml', whole), given({})).log.level).toBe('info');
    expect(loadConfig(file, given({})).log.level).toBe('debug');
    expect(loadConfig(file, given(env)).log.level).toBe('warn');
    expect(loadConfig(file, given(env, { 'log.level': 'error' })).log.level).toBe('error');
  });

  test('the environment is that of the process where no other is given', () => {
    process.env.KAZOO_RELAY_QUEUE_NAME = 'another';
    try {
      expect(loadConfig(folder.write('relay.yaml', whole)).queue.name).toBe('another');
    } finally {
      delete process.env.KAZOO_RELAY_QUEUE_NAME;
    }
  });

  test('variables reach brokers, routes and sinks, also where a section is not there or has no value', () => {
    const main = 'routes:\n  my-crm: { sink: { type: webhook, auth: , url: https://a } }\n';
    const { brokers, routes } = loadConfig(
      folder.write('relay.yaml', `${broker}${main}`),
      given({
        KAZOO_RELAY_BROKERS_0_URL: 'amqps://10.0.0.1',
        KAZOO_RELAY_ROUTES_MY_CRM_EVENTS: 'voicemail_*, missed_call',
        KAZOO_RELAY_ROUTES_MY_CRM_RETRY_SCHEDULE: '1s,1m',
        KAZOO_RELAY_ROUTES_MY_CRM_SINK_URL: 'https://b',
        KAZOO_RELAY_ROUTES_MY_CRM_SINK_HTTP2: 'false',
        KAZOO_RELAY_ROUTES_MY_CRM_SINK_REDIRECTS: '2',
        KAZOO_RELAY_ROUTES_MY_CRM_SINK_HEADERS: '{X-Key: "1"}',
        KAZOO_RELAY_ROUTES_MY_CRM_SINK_AUTH_BASIC_USER: 'me',
        KAZOO_RELAY_ROUTES_MY_CRM_SINK_AUTH_BASIC_PASSWORD: '0123',
      }),
    );
    expect(brokers).toEqual([{ zone: 'west', url: 'amqps://10.0.0.1' }]);
    expect(routes).toMatchObject([
      {
        events: ['voicemail_*', 'missed_call'],
        retry: { schedule: [1_000, 60_000] },
        sink: {
          options: {
            url: 'https://b',
            http2: false,
            redirects: 2,
            headers: { 'X-Key': '1' },
            auth: { basic: { user: 'me', password: '0123' } },
          },
        },
      },
    ]);
  });

  test('flags reach everything that the file has', () => {
    const { brokers, routes, journal } = loadConfig(
      folder.write('relay.yaml', whole),
      given(
        {},
        {
          'brokers[0].zone': 'east',
          // The type comes last: what it makes of the path doesn't depend on that.
          'routes.all.sink.path': '/tmp/a=b',
          'routes.all.sink.type': 'file',
          'routes.all.zones': 'east,west',
          'journal.maxSize': '1GiB',
        },
      ),
    );
    expect(brokers[0]?.zone).toBe('east');
    expect(routes).toHaveLength(1);
    expect(routes[0]).toMatchObject({
      name: 'all',
      zones: ['east', 'west'],
      sink: { options: { path: '/tmp/a=b' } },
    });
    expect(journal.maxSize).toBe(2 ** 30);
  });

  test('a variable that sets nothing is warned of, with what it may have meant', () => {
    const file = folder.write('relay.yaml', whole);
    const env = {
      KAZOO_RELAY_LOG_LEVL: 'info',
      KAZOO_RELAY_ROUTES_CRM_XYZZY: '',
      KAZOO_RELAY_CONFIG: file,
      KAZOO: '1',
    };
    expect(readConfig(file, given(env)).warnings.map(diagnosticText)).toEqual([
      'KAZOO_RELAY_LOG_LEVL: sets no option of this configuration; did you mean KAZOO_RELAY_LOG_LEVEL?',
      'KAZOO_RELAY_ROUTES_CRM_XYZZY: sets no option of this configuration; docs/reference/configuration.md lists all',
    ]);
  });

  test('keys that JavaScript has a meaning for are keys like any other', () => {
    const file = folder.write('relay.yaml', `${whole}__proto__: { log: { level: debug } }\n`);
    expect(() => loadConfig(file, given({}))).toThrow('__proto__ is not an option');
    expect(() => loadConfig(folder.write('a.yaml', whole), given({}, { '__proto__.x': '1' }))).toThrow(
      'is not an option',
    );
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
  });
});

describe('values from elsewhere', () => {
  const queueName = (value: string, env: Record<string, string> = {}) =>
    loadConfig(folder.write('relay.yaml', `${whole}queue: { name: ${JSON.stringify(value)} }\n`), given(env)).queue
      .name;

  test('come from the environment, files and credentials, also inside of a longer text', () => {
    folder.write('secret', 'from a file\r\n');
    folder.write('credentials/name', 'from systemd\n\n');
    expect(queueName('a-${env:NAME}-b', { NAME: 'x' })).toBe('a-x-b');
    expect(queueName('${env:A}${env:B}', { A: '1', B: '2' })).toBe('12');
    expect(queueName(`\${file:${folder.path}/secret}`)).toBe('from a file');
    expect(queueName('${credential:name}', { CREDENTIALS_DIRECTORY: `${folder.path}/credentials` })).toBe(
      'from systemd\n',
    );
  });

  test('have a default for what isn’t there', () => {
    expect(queueName('${env:NAME:-other}')).toBe('other');
    expect(queueName('${env:NAME:-other}', { NAME: '' })).toBe('other');
    expect(queueName('${env:NAME:-other}', { NAME: 'set' })).toBe('set');
    expect(queueName('x${env:NAME:-}')).toBe('x');
    expect(queueName('${file:/nowhere/x:-other}')).toBe('other');
    expect(queueName('${credential:name:-a:-b}')).toBe('a:-b');
    expect(queueName('${credential:name:-other}', { CREDENTIALS_DIRECTORY: folder.path })).toBe('other');
  });

  test('a file that is there and can’t be read is a mistake all the same', () => {
    expect(() => queueName(`\${file:${folder.path}:-other}`)).toThrow('it is a directory');
    expect(() => queueName('${file:/dev/zero:-other}')).toThrow('it is a device, not a file');
    folder.write('empty', '\n');
    expect(() => queueName(`\${file:${folder.path}/empty:-other}`)).toThrow('it is empty');
    folder.write('large', 'x'.repeat(65 * 1024));
    expect(() => queueName(`\${file:${folder.path}/large:-other}`)).toThrow('it is larger than 64 KiB');
  });

  test('a doubled $ stands for itself, and so does one without a brace', () => {
    expect(queueName('$${env:NAME}')).toBe('${env:NAME}');
    expect(queueName('a$b $5 {x}')).toBe('a$b $5 {x}');
    expect(queueName('$${${env:NAME}', { NAME: '${env:NAME}' })).toBe('${${env:NAME}');
  });

  test('mean numbers, durations, lists and truth where the option does', () => {
    const env = { N: '7', T: '2s', LIST: 'a, b', PAUSES: '1s,2s', OFF: 'false' };
    const { intake, routes } = loadConfig(
      folder.write(
        'relay.yaml',
        `${broker}intake: { prefetch: '\${env:N}' }
routes:
  all:
    events: \${env:LIST}
    retry: { schedule: '\${env:PAUSES}' }
    timeout: \${env:T}
    sink: { type: webhook, url: https://a, http2: '\${env:OFF}' }`,
      ),
      given(env),
    );
    expect(intake.prefetch).toBe(7);
    expect(routes).toMatchObject([
      { events: ['a', 'b'], retry: { schedule: [1_000, 2_000] }, timeout: 2_000, sink: { options: { http2: false } } },
    ]);
  });

  test('are elements of lists where they stand in one', () => {
    const main = `
${broker}
routes:
  all:
    events: ['\${env:EVENT}', missed_call]
    retry: { schedule: ['\${env:WAIT}', 1m] }
    sink: { type: webhook, url: https://a, signature: { secrets: ['\${env:SECRET}'] } }
`;
    const secret = `whsec_${btoa('a'.repeat(32))}`;
    const env = { EVENT: 'voicemail_new', WAIT: '5s', SECRET: secret };
    const [route] = loadConfig(folder.write('relay.yaml', main), given(env)).routes;
    expect(route).toMatchObject({ events: ['voicemail_new', 'missed_call'], retry: { schedule: [5_000, 60_000] } });
    expect(route?.sink.options).toMatchObject({ signature: { secrets: [secret] } });
  });

  test('are put in their places, and nothing else is copied for it, however much there is', () => {
    const other = { sink: { type: 'log' } };
    const routes: Record<string, unknown> = { crm: { sink: { url: '' } }, other };
    const value = { routes };
    setValue(value, ['routes', 'crm', 'sink', 'url'], 'https://b');
    setValue(value, ['routes', 'other', 'sink', 'type', 'deeper'], 'in the way');
    setValue(value, ['routes', '__proto__', 'events'], ['missed_call']);
    expect(value.routes).toBe(routes);
    expect(routes.other).toBe(other);
    expect(Object.entries(routes)).toEqual([
      ['crm', { sink: { url: 'https://b' } }],
      ['other', { sink: { type: 'log' } }],
      ['__proto__', { events: ['missed_call'] }],
    ]);
  });
});

describe('what is known of paths', () => {
  test('is found from the whole to the part and back, as if one looked at each', () => {
    const keys = ['a', 'b', 0, '0'];
    const all = [[], ...keys.map((one) => [one]), ...keys.flatMap((one) => keys.map((other) => [one, other]))];
    for (const [index, some] of all.map((path, from) => [path, ...all.slice(from + 3, from + 6)]).entries()) {
      const map = new PathMap<number>();
      for (const path of some) map.set(path, index);
      for (const path of [...all, ...all.map((short) => [...short, 'a'])]) {
        const [whole, part] = [
          some.some((other) => isWithin(path, other)),
          some.some((other) => isWithin(other, path)),
        ];
        expect({ path, found: map.get(path), touches: map.touches(path) }).toEqual({
          ...{ path, found: whole ? index : undefined, touches: whole || part },
        });
      }
    }
  });
});

describe('files that are included', () => {
  test('add their routes, with values from elsewhere and variables as in the main file', () => {
    const file = folder.write('relay.yaml', `include: conf.d/*.yaml\n${whole}`);
    folder.write('conf.d/b.yaml', 'routes: { b: { timeout: 5s, sink: { type: file, path: "${env:TMP}/b" } } }');
    folder.write('conf.d/a.yaml', 'routes: { a: { sink: { type: log } } }');
    folder.write('conf.d/empty.yaml', '');
    folder.write('conf.d/other.txt', 'nonsense');
    const { config, files, originOf } = readConfig(file, given({ TMP: '/tmp', KAZOO_RELAY_ROUTES_A_TIMEOUT: '3s' }));
    expect(config.routes.map(({ name, timeout }) => [name, timeout])).toEqual([
      ['all', 60_000],
      ['a', 3_000],
      ['b', 5_000],
    ]);
    expect(config.routes[2]?.sink.options).toMatchObject({ path: '/tmp/b' });
    expect(files.map(folder.without)).toEqual(['relay.yaml', 'conf.d/a.yaml', 'conf.d/b.yaml', 'conf.d/empty.yaml']);
    expect(originOf(['routes', 'b', 'timeout'])).toMatchObject({ source: files[2], line: 1, column: 25 });
  });

  test('may hold all routes that there are, be named twice, and be named by a variable', () => {
    const file = folder.write('relay.yaml', `include: '\${env:DIR}/*.yaml'\n${broker}`);
    folder.write('conf.d/a.yaml', 'routes: { a: { sink: { type: log } } }');
    folder.write('conf.d/b.json', '{ "routes": { "b": { "sink": { "type": "log" } } } }');
    const names = (env: Record<string, string>) => loadConfig(file, given(env)).routes.map(({ name }) => name);
    expect(names({ DIR: 'conf.d' })).toEqual(['a']);
    expect(names({ DIR: '', KAZOO_RELAY_INCLUDE: 'conf.d/b.json,conf.d/*,conf.d/a.yaml' })).toEqual(['b', 'a']);
  });

  test('that a pattern doesn’t find are warned of', () => {
    const file = folder.write('relay.yaml', `include: [conf.d/*.yaml]\n${whole}`);
    expect(readConfig(file, given({})).warnings.map(diagnosticText).map(folder.without)).toEqual([
      'relay.yaml:1:1: include matches no file: value was "conf.d/*.yaml"',
    ]);
  });
});

describe('a key that is there twice in a mapping', () => {
  test.each([
    ['a: 1\nb: 2\na: 3', '3:1'],
    ['a: 1\n"a": 2', '2:1'],
    ['a: { b: 1, b: 2 }', '1:12'],
    ['- a: 1\n- b: [{ c: 1, "c": 2 }]', '2:15'],
    ['a: &x { b: 1 }\nc:\n  <<: *x\n  b: 2\n  b: 3', '5:3'],
    ['a: 1\nA: 2\n1: a\n"1": b\nc: { a: 1 }\nd: { a: 1 }', undefined],
  ])('is found wherever it is, and nowhere else: %s', (text, place) => {
    const file = folder.write('relay.yaml', text);
    const message = place && `${file}:${place}: this key is there twice in the same mapping`;
    expect(readSource(file).errors.map(diagnosticText)).toEqual(message === undefined ? [] : [message]);
  });
});

describe('a configuration in JSON', () => {
  test('is read as one in YAML', () => {
    const file = folder.write(
      'relay.json',
      '{\n\t"brokers": [{ "zone": "west", "url": "amqp://h" }],\n\t"routes": { "all": { "sink": { "type": "log" } } }\n}',
    );
    expect(loadConfig(file, given({})).routes).toHaveLength(1);
  });
});

describe('brokers of KAZOO’s own configuration', () => {
  const ini = `; KAZOO
[amqp]
uri = "amqp://guest:guest@127.0.0.1:5672"
amqp_uri = 'amqp://guest:guest@10.0.0.9' ; on its own

[zone]
name = "west"
amqp_uri = "amqp://guest:guest@127.0.0.1:5672"
amqp_uri = amqp://guest:guest@10.0.0.2:5672   # failover
# uri = amqp://nobody

[bigcouch]
ip = "127.0.0.1"
what is this

[zone]
name = east
uri = "amqp://guest:p#w@10.1.0.1"
`;

  test('are every URI of every zone, each with its place there', () => {
    folder.write('config.ini', ini.replace('p#w', 'p%23w'));
    const main = 'brokers: { kazooConfig: FOLDER/config.ini }\nroutes: { all: { sink: { type: log } } }\n';
    const { config, files, originOf } = readConfig(folder.write('relay.yaml', main), given({}));
    expect(config.brokers).toEqual([
      { zone: 'west', url: 'amqp://guest:guest@127.0.0.1:5672' },
      { zone: 'west', url: 'amqp://guest:guest@10.0.0.2:5672' },
      { zone: 'east', url: 'amqp://guest:p%23w@10.1.0.1' },
      { zone: 'local', url: 'amqp://guest:guest@10.0.0.9' },
    ]);
    expect(files.map(folder.without)).toEqual(['relay.yaml', 'config.ini']);
    expect(originOf(['brokers', 2, 'url'])).toMatchObject({ source: files[1], line: 18 });
  });

  test('have the TLS that stands beside it, those that use TLS', () => {
    folder.write('config.ini', '[zone]\nname = west\nuri = amqps://10.0.0.1\nuri = amqp://10.0.0.2\n');
    const main = `brokers:
  kazooConfig: FOLDER/config.ini
  tls: { ca: /etc/ca.pem }
routes: { all: { sink: { type: log } } }
`;
    const { config, files, originOf } = readConfig(folder.write('relay.yaml', main), given({}));
    expect(config.brokers).toEqual([
      { zone: 'west', url: 'amqps://10.0.0.1', tls: { ca: '/etc/ca.pem' } },
      { zone: 'west', url: 'amqp://10.0.0.2' },
    ]);
    expect(originOf(['brokers', 0, 'tls', 'ca'])).toMatchObject({ source: files[0], line: 3 });
    expect(originOf(['brokers', 0, 'url'])).toMatchObject({ source: files[1], line: 3 });
  });

  test('may be in another zone than local where KAZOO names none, and in another file than the configuration says', () => {
    folder.write('other.ini', '[amqp]\nuri=amqp://10.0.0.1\r\nuri=amqp://10.0.0.1\n');
    const main = 'brokers: { kazooConfig: /nowhere, localZone: main }\nroutes: { all: { sink: { type: log } } }\n';
    const env = { KAZOO_RELAY_BROKERS_KAZOO_CONFIG: `${folder.path}/other.ini` };
    expect(loadConfig(folder.write('relay.yaml', main), given(env)).brokers).toEqual([
      { zone: 'main', url: 'amqp://10.0.0.1' },
    ]);
  });
});

describe('every option', () => {
  const everySink = `${broker}routes:
  log: { sink: { type: log } }
  file: { sink: { type: file, path: /var/log/a.ndjson } }
  database: { sink: { type: database, url: 'sqlite:///var/lib/a.db' } }
  webhook: { sink: { type: webhook, url: 'https://crm.example.com/hooks' } }
`;

  test('can be set by its variable, to what config show says of it', () => {
    const file = folder.write('relay.yaml', everySink);
    const usual = readConfig(file, given({}));
    const shown = parse(configText(usual, false)) as Record<string, unknown>;
    const leaves = leavesIn(shown).filter(({ path }) => valueAt(shown, path) !== undefined);
    expect(leaves.length).toBeGreaterThan(90);
    const wrong = leaves.filter(({ path }) => {
      const value = valueAt(shown, path);
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      const { config, warnings, originOf } = readConfig(file, given({ [variableOf(path)]: text }));
      const isSet = originOf(path)?.source === variableOf(path);
      return !isSet || warnings.length > usual.warnings.length || !isDeepStrictEqual(config, usual.config);
    });
    expect(wrong.map(({ path }) => path.join('.'))).toEqual([]);
  });
});

describe('a secret in clear text', () => {
  const secret = "brokers: [{ zone: west, url: 'amqps://u:geheim@h' }]\nroutes: { all: { sink: { type: log } } }\n";

  const key = 'whsec_a2F6b28tcmVsYXktZXhhbXBsZS1zZWNyZXQ=';

  const database = (url: string) =>
    secret.replace('u:geheim@', '').replace('type: log', `type: database, url: '${url}'`);

  const webhook = (options: string) =>
    secret
      .replace('u:geheim@', '')
      .replace('type: log', `type: webhook, url: 'https://h', format: kazoo-form, ${options}`);

  test('is warned of where others can read the file', () => {
    const file = folder.write('relay.yaml', secret);
    chmodSync(file, 0o644);
    const [warning, ...others] = readConfig(file, given({})).warnings.map(diagnosticText).map(folder.without);
    expect(warning).toMatch(/^relay.yaml:1:25: brokers\[0\].url is a secret in clear text, and every user/);
    expect(others).toEqual([]);
  });

  test.each([
    ['headers: { Authorization: Bearer x }'],
    ['headers: { X-Api-Key: x1 }'],
    ['fields: { routing_key: x1 }'],
    ['fields: { session_id: x1 }'],
    ['headers: { X-Hub-Signature: x1 }'],
    ['headers: { X-Authority: x1 }'],
    ['headers: { X-Session: x1 }'],
    ['fields: { hmac: x1 }'],
    ['fields: { otp2: x1 }'],
    ['headers: { X-Acme: 8d2a41c09f7e4b5d }'],
  ])('is a header or a field that is named after one, or as long as a token: %s', (options) => {
    const file = folder.write('relay.yaml', webhook(options));
    chmodSync(file, 0o644);
    expect(readConfig(file, given({})).warnings.map(diagnosticText)).toEqual([
      expect.stringMatching(/is a secret in clear text/),
    ]);
  });

  test('is that one of a list that does not come from elsewhere', () => {
    const file = folder.write('relay.yaml', webhook(`signature: { secrets: ['\${env:KEY}', ${key}] }`));
    chmodSync(file, 0o644);
    const paths = readConfig(file, given({ KEY: key })).warnings.map(({ option }) => option);
    expect(paths).toEqual(['routes.all.sink.signature.secrets[1]']);
  });

  test.each<[what: string, text: string, mode: number]>([
    ['only its owner and group can', secret, 0o640],
    ['it comes from elsewhere', secret.replace('geheim', '${env:PW}'), 0o644],
    ['it comes from elsewhere into a list', webhook("signature: { secrets: ['${env:KEY}'] }"), 0o644],
    ['it is the one that everybody knows', secret.replace('u:geheim', 'guest:guest'), 0o644],
    ['there is none in the URL', secret.replace('u:geheim@', ''), 0o644],
    ['it is the path of a database without one', database('sqlite:///a@b.db'), 0o644],
    ['it is such a path without slashes before it', database('sqlite:/a/b.db'), 0o644],
    [
      'it is an id that KAZOO’s webhooks send',
      webhook('headers: { X-Hook-ID: 8d2a41c09f7e4b5d8d2a41c09f7e4b5d }'),
      0o644,
    ],
    ['it is too short for a token', webhook('fields: { cluster_id: 3f9c01, region: east }'), 0o644],
  ])('and not where %s', (_what, text, mode) => {
    const file = folder.write('relay.yaml', text);
    chmodSync(file, mode);
    expect(readConfig(file, given({ PW: 'geheim', KEY: key })).warnings).toEqual([]);
  });
});
