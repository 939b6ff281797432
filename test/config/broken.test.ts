import { describe, expect, test } from '@jest/globals';
import { diagnosticText } from '../../src/config/diagnostics.ts';
import { checkConfig } from '../../src/config/load.ts';
import { configFolder, given } from '../support/config-folder.ts';

const folder = configFolder();

/** What is around the main file, where there is something. */
interface Around {
  /** Other files, by their paths from the main file's folder. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** As for `--set`. */
  readonly set?: Readonly<Record<string, string>>;
}

const broker = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
const routes = 'routes: { all: { sink: { type: log } } }\n';
const whole = `${broker}${routes}`;
const webhook = (options: string) => `${broker}routes:\n  crm:\n    sink:\n      type: webhook\n${indent(options)}`;
const database = (options: string) => `${broker}routes:\n  db:\n    sink:\n      type: database\n${indent(options)}`;
const url = 'url: https://crm.example.com/hooks';
const included = { 'conf.d/a.yaml': 'routes:\n  one:\n    sink: { type: log }\n' };

const shared = "journal: { url: 'postgres://u:geheim@h/d', spool: /b }\n";

const catalogue: Readonly<Record<string, readonly [main: string, around?: Around]>> = {
  // The file
  'an empty file': [''],
  'a list instead of a mapping': ['- brokers'],
  'text that is no YAML': ['brokers: [\nroutes: {}'],
  'a tab for an indent': ['brokers:\n\t- zone: west'],
  'a quote that has no end': [`${broker}routes: { all: { sink: { type: 'log } } }`],
  'JSON with a comma too many': ['{ "brokers": [{ "zone": "west", "url": "amqp://h" },,], "routes": {} }'],
  'the same key twice': [`${whole}queue: {}\nqueue: {}`],
  'the same route twice': [`${broker}routes:\n  all: { sink: { type: log } }\n  all: { sink: { type: log } }`],
  'an alias without its anchor': [`${broker}routes: { all: *nothing }`],
  'an alias within its own anchor': [`${broker}routes: &all { all: *all }`],
  'two documents': [`${broker}---\nroutes: {}\n`],
  // Brokers
  'no brokers': [routes],
  'a broker whose URL has a parameter that means nothing': [
    `brokers:\n  - zone: west\n    url: 'amqp://me:geheim@h?heartbeats=geheim'\n${routes}`,
  ],
  'a broker whose URL has a parameter that can’t be honoured': [
    `brokers:\n  - zone: west\n    url: 'amqps://h?verify=geheim'\n${routes}`,
  ],
  'an empty list of brokers': [`brokers: []\n${routes}`],
  'one broker that is no list': [`brokers: { zone: west, url: amqp://127.0.0.1 }\n${routes}`],
  'a broker that is only a URL': [`brokers: [amqp://127.0.0.1]\n${routes}`],
  'a broker without a zone': [`brokers: [{ url: amqp://127.0.0.1 }]\n${routes}`],
  'a broker without a URL': [`brokers:\n  - zone: west\n${routes}`],
  'a broker whose URL is of another kind': [
    `brokers: [{ zone: west, url: 'http://user:geheim@127.0.0.1' }]\n${routes}`,
  ],
  'a broker whose URL is none': [`brokers: [{ zone: west, url: 'user:geheim@127.0.0.1' }]\n${routes}`],
  'a broker whose password has a slash and an @': [
    `brokers:\n  - zone: west\n    url: 'amqp://u:ge@heim/s@10.0.0.1/kazoo'\n${routes}`,
  ],
  'a broker whose password has a slash': [`brokers: [{ zone: west, url: 'amqp://u:geheim/s@10.0.0.1' }]\n${routes}`],
  'a broker whose password has an @': [`brokers: [{ zone: west, url: 'amqp://u:s@geheim@10.0.0.1' }]\n${routes}`],
  'a password with an @, from elsewhere': [
    `brokers:\n  - zone: west\n    url: amqp://u:\${env:PASSWORD}@10.0.0.1\n${routes}`,
    { env: { PASSWORD: 's@geheim/s' } },
  ],
  'a file of KAZOO’s with a password that has a slash': [
    `brokers: { kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '[amqp]\nuri = amqp://u:1/geheim@10.0.0.1\n' } },
  ],
  'a zone that is a number': [`brokers: [{ zone: 1, url: amqp://127.0.0.1 }]\n${routes}`],
  'a misspelt option of a broker': [`brokers: [{ zome: west, zone: west, url: amqp://127.0.0.1 }]\n${routes}`],
  // KAZOO's own file
  'a file of KAZOO’s that is not there': [`brokers: { kazooConfig: /nowhere/config.ini }\n${routes}`],
  'a file of KAZOO’s that is a folder, by a variable': [
    `brokers: { kazooConfig: /nowhere/config.ini }\n${routes}`,
    { env: { KAZOO_RELAY_BROKERS_KAZOO_CONFIG: '/' } },
  ],
  'a misspelt kazooConfig': [`brokers: { kazooConfg: /etc/kazoo/core/config.ini }\n${routes}`],
  'a file of KAZOO’s without a broker': [
    `brokers: { kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '[kazoo_apps]\ncookie = "geheim"\n' } },
  ],
  'a file of KAZOO’s with a zone that has no name': [
    `brokers: { kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '; zones\n[zone]\namqp_uri = "amqp://guest:guest@10.0.0.1"\n' } },
  ],
  'a file of KAZOO’s with a URI that is none': [
    `brokers: { kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '[zone]\nname = west\nuri = 10.0.0.1:5672\nuri = amqp://10.0.0.1\n' } },
  ],
  'a file of KAZOO’s with a line that is none': [
    `brokers: { kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '[amqp]\nuri amqp://10.0.0.1\nuri = amqp://10.0.0.1\n' } },
  ],
  'TLS for a file of KAZOO’s whose URIs use none': [
    `brokers: { tls: { ca: /etc/ca.pem }, kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '[amqp]\nuri = amqp://10.0.0.1\n' } },
  ],
  'TLS for a file of KAZOO’s with a certificate, and no key': [
    `brokers: { tls: { cert: /etc/own.pem }, kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '[amqp]\nuri = amqps://10.0.0.1\nuri = amqps://10.0.0.2\n' } },
  ],
  'a misspelt option of TLS for a file of KAZOO’s': [
    `brokers: { tls: { cafile: /etc/ca.pem }, kazooConfig: FOLDER/config.ini }\n${routes}`,
    { files: { 'config.ini': '[amqp]\nuri = amqps://10.0.0.1\n' } },
  ],
  // Routes
  'no routes': [broker],
  'routes as a list': [`${broker}routes: [{ sink: { type: log } }]`],
  'a route without a sink': [`${broker}routes: { all: { events: [] } }`],
  'a route that is nothing': [`${broker}routes: { all: }`],
  'a route whose name is no name': [`${broker}routes: { 'My Route': { sink: { type: log } } }`],
  'a misspelt option of a route': [`${broker}routes:\n  all:\n    evnts: [a]\n    sink: { type: log }`],
  'an option of the sink on the route': [`${broker}routes:\n  all:\n    level: info\n    sink: { type: log }`],
  'an option of the route on the sink': [
    `${broker}routes:\n  all:\n    sink:\n      type: log\n      events: [missed_call]`,
  ],
  'an event that is a number': [`${broker}routes: { all: { events: [1], sink: { type: log } } }`],
  'accounts as a mapping': [`${broker}routes: { all: { accounts: { a: b }, sink: { type: log } } }`],
  'a choice that is almost one': [`${broker}routes: { all: { invalid: deliverr, sink: { type: log } } }`],
  'a start that is no time': [`${broker}routes: { all: { start: yesterday, sink: { type: log } } }`],
  'a start that is a bare number': [`${broker}routes: { all: { start: 1764000000, sink: { type: log } } }`],
  'a pause among many that is none': [
    `${broker}routes:\n  all:\n    retry:\n      schedule: [5s, soon, 1h]\n    sink: { type: log }`,
  ],
  'a schedule that is no list': [`${broker}routes: { all: { retry: { schedule: 5s }, sink: { type: log } } }`],
  'no failures at all': [`${broker}routes: { all: { circuit: { failures: 0 }, sink: { type: log } } }`],
  'a timeout of nothing': [`${broker}routes: { all: { timeout: 0s, sink: { type: log } } }`],
  // Sinks
  'a sink without a type': [`${broker}routes: { all: { sink: { path: a } } }`],
  'a sink of an unknown type': [`${broker}routes: { all: { sink: { type: lgo } } }`],
  'a sink that is a word': [`${broker}routes: { all: { sink: log } }`],
  'a file sink without its path': [`${broker}routes: { all: { sink: { type: file } } }`],
  'an option of another sink': [`${broker}routes: { all: { sink: { type: log, keep: 3 } } }`],
  'a path in somebody’s home': [`${broker}routes: { all: { sink: { type: file, path: ~/x.ndjson } } }`],
  'a journal in the home of another': [`${whole}journal: { path: ~kazoo/journal }`],
  'schemas in somebody’s home': [`${whole}validation: { schemas: [/etc/schemas, ~/schemas] }`],
  'routes in somebody’s home': [`${whole}include: ~/conf.d/routes.yaml`],
  'a file of KAZOO’s in somebody’s home': [`brokers: { kazooConfig: ~/config.ini }\n${routes}`],
  'a CA in somebody’s home': [`brokers: [{ zone: west, url: amqps://127.0.0.1, tls: { ca: ~/ca.pem } }]\n${routes}`],
  'a certificate of ours in somebody’s home': [webhook(`${url}\ntls: { cert: ~/own.pem, key: /etc/own.key }`)],
  'a secret in somebody’s home': [database(`url: 'postgres://u:\${file:~/password}@host/db'`)],
  'a database in somebody’s home': [database('url: sqlite:~/a.db')],
  'a database in somebody’s home, as a host': [database('url: sqlite://~/a.db')],
  'a database in somebody’s home, as a path': [database('url: sqlite:///~/a.db')],
  'a root of a database in somebody’s home': [
    database("url: 'postgres://u:geheim@host/db?sslmode=verify-full&sslrootcert=~/root.pem'"),
  ],
  'a file mode as a number': [`${broker}routes: { all: { sink: { type: file, path: a, mode: 0640 } } }`],
  'a number with a word behind it': [`${broker}routes: { all: { sink: { type: file, path: a, keep: 14 days } } }`],
  'a database URL of another kind': [database('url: redis://u:geheim@host/0')],
  'a database whose password has a slash and an @': [database("url: 'postgres://u:p@geheim/w@10.0.0.20/kazoo'")],
  'a database whose password has a ?': [database("url: 'mysql://geheim:1?geheim@10.0.0.20/kazoo'")],
  'a database whose password has a #': [database("url: 'postgres://geheim:1#w@10.0.0.20/kazoo'")],
  'a webhook with a password that has a slash and an @': [webhook("url: 'https://u:p@geheim/w@10.0.0.20/hooks'")],
  'a proxy whose password has a slash': [webhook(`${url}\nproxy: 'http://u:1/geheim@10.0.0.30:3128'`)],
  'a proxy whose password has a ?': [webhook(`${url}\nproxy: 'http://geheim:1?geheim@10.0.0.30:3128'`)],
  'a proxy that is no URL': [webhook(`${url}\nproxy: 'u:geheim@10.0.0.30:3128'`)],
  'a token URL with an @ behind its host': [
    webhook(
      `${url}\nauth: { oauth2: { clientId: u, clientSecret: geheim, tokenUrl: 'https://u:1/geheim@10.0.0.40/t' } }`,
    ),
  ],
  'a token URL with a user and a password': [
    webhook(
      `${url}\nauth: { oauth2: { clientId: u, clientSecret: geheim, tokenUrl: 'https://u:geheim@10.0.0.40/t' } }`,
    ),
  ],
  'a parameter that a database URL can’t have': [database("url: 'postgres://u:geheim@host/db?password=geheim'")],
  'a column without a path': [database("url: 'postgres://host/db'\ncolumns:\n  caller: data.caller text, please")],
  'a partition that MySQL doesn’t have': [database("url: 'mysql://host/db'\npartition: month")],
  'a table whose name is no name': [database("url: 'postgres://host/db'\ntable: my table")],
  'a webhook without a URL': [webhook('method: POST')],
  'a webhook whose URL is none': [webhook('url: crm.example.com/geheim')],
  'a placeholder that there is not': [webhook('url: https://crm.example.com/{acount_id}')],
  'yes instead of true': [webhook(`${url}\ntls:\n  verify: yes`)],
  'two ways to authorise': [
    webhook(`${url}\nauth:\n  bearer: { token: geheim }\n  basic: { user: u, password: geheim }`),
  ],
  'basic without its password': [webhook(`${url}\nauth:\n  basic: { user: u }`)],
  'a token that is a number': [webhook(`${url}\nauth:\n  bearer: { token: 123456 }`)],
  'a header that is a list': [webhook(`${url}\nheaders:\n  X-Key: [geheim]`)],
  'a header that the sink sets itself': [webhook(`${url}\nheaders:\n  Content-Length: '3'`)],
  'a template that can’t be parsed': [webhook(`${url}\nformat: template\ntemplate:\n  body: '{% if event %}'`)],
  'a format without arrays, in batches': [webhook(`${url}\nformat: standard\nbatch:\n  max: 5`)],
  'a rate without a number': [webhook(`${url}\nrateLimit:\n  per: 1s`)],
  // Everything else
  'a misspelt option': [`${whole}intake: { prefetsch: 10 }`],
  'a misspelt section': [`${whole}jurnal: { path: /tmp }`],
  'an option that is nothing like any': [`${whole}xyzzy: 1`],
  'a section that is a value': [`${whole}intake: fast`],
  'a value that is a section': [`${whole}queue: { name: { first: a } }`],
  'a value that is left out': [`${whole}queue:\n  name:`],
  'a size that is none': [`${whole}queue: { maxLengthBytes: big }`],
  'a size of nothing': [`${whole}journal: { maxSize: 0 }`],
  'a share that is no percentage': [`${whole}journal: { invalidShare: a quarter }`],
  'a share without its sign': [`${whole}journal: { invalidShare: 0.25 }`],
  'a share of nothing': [`${whole}journal: { invalidShare: 0% }`],
  'a share of more than all': [`${whole}journal: { invalidShare: 101% }`],
  'a duration that is none': [`${whole}queue: { expires: 1 fortnight }`],
  'a duration beyond what timers count': [`${whole}shutdown: { timeout: 30d }`],
  'an age below nothing': [`${whole}journal: { retention: -1d }`],
  'an age without a unit': [`${whole}journal: { retention: 30 }`],
  'a duration without a unit': [`${whole}shutdown: { timeout: '10' }`],
  'a size without a unit': [`${whole}intake: { maxBodySize: 1.5 }`],
  'a heartbeat without a unit': [`${whole}intake: { heartbeat: 5 }`],
  'a retention without a unit': [database("url: 'postgres://host/db'\nretention: 180")],
  'a pause without a unit': [`${broker}routes: { all: { retry: { schedule: [5s, 30] }, sink: { type: log } } }`],
  'an environment that gives no unit': [whole, { env: { KAZOO_RELAY_JOURNAL_RETENTION: '30' } }],
  'a flag that gives no unit': [whole, { set: { 'routes.all.retry.schedule': '0,30' } }],
  'a variable that gives no unit': [`${whole}journal: { maxSize: '\${env:SIZE}' }`, { env: { SIZE: '10' } }],
  'a prefetch that AMQP has no room for': [`${whole}intake: { prefetch: 70000 }`],
  'a queue with a name that RabbitMQ keeps for itself': [`${whole}queue: { name: amq.kazoo-relay }`],
  'a queue with a name that AMQP has no room for': [`${whole}queue: { name: ${'ü'.repeat(128)} }`],
  'half a message': [`${whole}intake: { batch: { max: 1.5 } }`],
  'a heartbeat that is too slow': [`${whole}intake: { heartbeat: 1m }`],
  'a word that is not among the choices': [`${whole}queue: { type: lazy }`],
  'a level that is almost one': [`${whole}log: { level: inof }`],
  'accepted places as a number': [`${whole}validation: { accept: { topup: 1 } }`],
  'an accepted place that is no pointer': [`${whole}validation: { accept: { topup: [amount] } }`],
  'accepted places without an event': [`${whole}validation: { accept: [/amount] }`],
  'an expected event that is misspelt': [`${whole}expect: [{ event: voicemail_nwe, within: 2h }]`],
  'an expected event without a time': [`${whole}expect: [{ event: topup }]`],
  'an expected event by itself': [`${whole}expect: { event: topup, within: 2h }`],
  'names of expected events': [`${whole}expect: [topup]`],
  'expected events at odd hours': [`${whole}expect: [{ event: topup, within: 2h, hours: 8-18 }]`],
  // A journal that daemons share
  'a journal in two places': [`${whole}journal: { path: /a, url: 'postgres://u:geheim@h/d', spool: /b }`],
  'a shared journal without a spool': [
    `${broker}journal: { url: 'postgres://u:geheim@h/d' }\nroutes: { all: { every: true, sink: { type: log } } }`,
  ],
  'a spool without a shared journal': [`${whole}journal: { spool: /b, schema: a }`],
  'a shared journal in another kind of database': [`${whole}journal: { url: 'mysql://u:geheim@h/d', spool: /b }`],
  'a shared journal in no database': [`${whole}journal: { url: 'postgres://u:geheim@h', spool: /b }`],
  'a shared journal on a standby': [
    `${whole}journal: { url: 'postgres://u:geheim@h,i/d?target_session_attrs=any', spool: /b }`,
  ],
  'a shared journal whose password has an @': [`${whole}journal: { url: 'postgres://u:geheim/@w@h/d', spool: /b }`],
  'a shared journal whose port is none': [`${whole}journal: { url: 'postgres://u:geheim@h,i:x/d', spool: /b }`],
  'places on one machine, for daemons on several': [
    `${broker}${shared}routes:\n  a: { sink: { type: log } }\n  b: { sink: { type: file, path: /c } }\n  c: { sink: { type: database, url: 'sqlite:///d' } }\n  d: { sink: { type: database, url: 'postgres:///d?host=/run/postgresql' } }\n  e: { sink: { type: webhook, url: https://f } }`,
  ],
  'one daemon, and every one': [`${broker}${shared}routes: { a: { host: b, every: true, sink: { type: log } } }`],
  'a daemon whose name is none': [`name: relay one\n${whole}`],
  // Values from elsewhere
  'a variable that is not set': [
    `brokers:\n  - zone: west\n    url: amqp://relay:\${env:PASSWORD}@10.0.0.1\n${routes}`,
  ],
  'a file of a secret that is not there': [`${whole}queue:\n  name: \${file:/nowhere/name}`],
  'a credential without systemd': [`${whole}queue: { name: '\${credential:name}' }`],
  'a credential that systemd was not told of': [
    `${whole}queue: { name: '\${credential:nothing}' }`,
    { env: { CREDENTIALS_DIRECTORY: '/nowhere' } },
  ],
  'something that is no place to take values from': [`${whole}queue: { name: '\${vault:name}' }`],
  'a ${ without its end': [`${whole}queue: { name: 'relay-\${env:NAME' }`],
  'a variable whose name can’t be one': [`${whole}queue: { name: '\${env:MY-NAME}' }`],
  'a variable that holds no number': [`${whole}intake: { prefetch: '\${env:N}' }`, { env: { N: 'many' } }],
  'a secret around a variable': [
    `brokers:\n  - zone: west\n    url: http://u:geheim@\${env:HOST:-geheim.example.com}\n${routes}`,
    { env: { HOST: '10.0.0.1' } },
  ],
  'a secret file that holds no number': [
    `${whole}intake: { prefetch: '\${file:FOLDER/secret}' }`,
    { files: { secret: 'geheim\n' } },
  ],
  'an environment that sets what it can’t': [whole, { env: { KAZOO_RELAY_LOG_LEVEL: 'loud' } }],
  'an environment that sets a secret': [whole, { env: { KAZOO_RELAY_BROKERS_0_URL: 'amqp:geheim' } }],
  'an environment that could mean two routes': [
    `${broker}routes: { a-b: { sink: { type: log } }, a_b: { sink: { type: log } } }`,
    { env: { KAZOO_RELAY_ROUTES_A_B_TIMEOUT: '1s' } },
  ],
  'a flag that sets no option': [whole, { set: { 'log.levle': 'info' } }],
  'a flag with a misspelt option': [whole, { set: { 'intake.prefetsh': '3' } }],
  'a flag for a route that is not there': [whole, { set: { 'routes.nope.events': 'a' } }],
  'a flag for a misspelt route': [whole, { set: { 'routes.al.sink.level': 'info' } }],
  'a flag for a route where there are none': [broker, { set: { 'routes.all.events': 'a' } }],
  'a flag for a broker that is not there': [whole, { set: { 'brokers[1].zone': 'east' } }],
  'a flag that sets what it can’t': [whole, { set: { 'routes.all.retry.schedule': '1s,never' } }],
  // Files that are included
  'an included file that is not there': [`include: conf.d/a.yaml\n${whole}`],
  'an included file with more than routes': [
    `include: conf.d/*.yaml\n${whole}`,
    { files: { 'conf.d/a.yaml': 'routes: {}\njournal:\n  path: /tmp\n' } },
  ],
  'an included file that is no mapping': [`include: conf.d/*.yaml\n${whole}`, { files: { 'conf.d/a.yaml': 'one' } }],
  'an included file with routes as a list': [
    `include: conf.d/*.yaml\n${whole}`,
    { files: { 'conf.d/a.yaml': 'routes:\n  - sink: { type: log }\n' } },
  ],
  'an included file that is no YAML': [
    `include: conf.d/*.yaml\n${whole}`,
    { files: { 'conf.d/a.yaml': 'routes: {\n' } },
  ],
  'mistakes in an included route': [
    `include: conf.d/*.yaml\n${whole}`,
    { files: { 'conf.d/a.yaml': `routes:\n  one:\n    timeot: 1s\n    sink: { type: file, path: "\${env:NO}/a" }\n` } },
  ],
  'a route in two files': [
    `include: conf.d/*.yaml\n${broker}routes:\n  one: { sink: { type: log } }\n`,
    { files: included },
  ],
  'a route in two included files': [
    `include: [conf.d/a.yaml, conf.d/b.yaml]\n${broker}`,
    { files: { ...included, 'conf.d/b.yaml': `# another\n${included['conf.d/a.yaml']}` } },
  ],
  'include with something that is no file': [`include: { a: b }\n${whole}`],
  // All of it
  'digests of a sink that takes one at a time': [
    `${broker}routes: { all: { digest: { every: 15m }, sink: { type: log } } }`,
  ],
  'digests of a webhook that has no message for several': [
    `${broker}routes: { all: { digest: { every: 15m }, sink: { type: webhook, url: 'https://h' } } }`,
  ],
  'digests to an address that differs from one notification to the next': [
    `${broker}routes: { all: { digest: { every: 15m }, sink: { type: webhook, preset: slack, url: 'https://h/{zone}' } } }`,
  ],
  'digests in an order': [
    `${broker}routes: { all: { order: account, digest: { every: 15m }, sink: { type: webhook, preset: slack, url: 'https://h' } } }`,
  ],
  'digests by the second': [
    `${broker}routes: { all: { digest: { every: 30s }, sink: { type: webhook, preset: slack, url: 'https://h' } } }`,
  ],
  'several at once, in their order': [
    'brokers:\n  - zone: west\n    url: localhost\nroutes:\n  all:\n    evnts: [a]\n    sink:\n      type: file\n      maxSize: huge\nlog:\n  level: loud\n',
    { env: { KAZOO_RELAY_SHUTDOWN_TIMEOUT: 'never' } },
  ],
};

describe('each mistake has its own message, with its place', () => {
  // What each says stands in the snapshot.
  test.each(Object.entries(catalogue))('%s', (_what, [main, around]) => {
    const messages = mistakesIn(main, around);
    expect(messages).not.toBe('');
    expect(messages).not.toContain('geheim');
    expect(messages).toMatchSnapshot();
  });

  test('of at least 60 of them', () => {
    expect(Object.keys(catalogue).length).toBeGreaterThanOrEqual(60);
  });
});

describe('mistakes of a route that have nothing to do with each other', () => {
  const parts: readonly { readonly route?: object; readonly sink?: object }[] = [
    { route: { events: [1, 'missed_call', 2] } },
    { route: { where: 'data.duration = 1' } },
    { route: { shape: { pick: ['acount_id'], omit: ['id'] } } },
    { route: { timeout: 'soon' } },
    { route: { reveel: ['password'] } },
    { route: { retry: { schedule: '5s' } } },
    { sink: { url: 'ftp://crm.example.com' } },
    { sink: { format: 'template', template: { body: '{{ data.x ', contentType: 'ü' } } },
    { sink: { batch: { max: 'many' } } },
    { sink: { headers: { 'a b': 'x', Host: 'y' } } },
    { sink: { auth: { basic: { user: 'a:b', password: 'c' }, bearer: { token: 'd' } } } },
    { sink: { timeout: { total: '5h' } } },
    { sink: { proxy: 'nothing' } },
    { sink: { tls: { cert: '/a.pem' } } },
    { sink: { rateLimit: { requests: 1, per: '2d' } } },
    { sink: { methd: 'GET' } },
  ];
  const told = (...some: typeof parts): string[] => {
    const sink = Object.assign({ type: 'webhook', url: 'https://crm.example.com' }, ...some.map((one) => one.sink));
    const crm = Object.assign({ sink }, ...some.map(({ route }) => route));
    const main = JSON.stringify({ brokers: [{ zone: 'west', url: 'amqp://127.0.0.1' }], routes: { crm } });
    return mistakesIn(main)
      .split('\n')
      .map((line) => line.replace(/^.*?:\d+:\d+: /, ''))
      .sort();
  };
  test('are all told, however many there are', () => {
    const alone = new Map(parts.map((part) => [part, told(part)]));
    const together = (some: typeof parts) => some.flatMap((part) => alone.get(part) ?? []).sort();
    expect(alone.values().every((lines) => lines.length > 0)).toBe(true);
    expect(told(...parts)).toEqual(together(parts));
    for (const [index, one] of parts.entries())
      for (const other of parts.slice(index + 1)) expect(told(one, other)).toEqual(together([one, other]));
  });

  test.each([
    ['an option that stands elsewhere', 'url: https://a.example/{account_id}', 'batch: { max: 5 }', 1],
    ['an option that is misspelt', '', 'ulr: https://a.example/{account_id}\nbatch: { max: 5 }', 1],
    ['an option that is wrong by itself', '', 'url: 5\nbatch: { max: 5 }', 1],
    ['an option that what is missing needs', '', `${url}\nformat: template\nfields: { a: b }\nproxy: 5`, 2],
  ])('but none that only follows from %s', (_what, route, sink, count) => {
    const main = `${broker}routes:\n  crm:\n    events: []\n    ${route}\n    sink:\n      type: webhook\n${indent(sink)}`;
    expect(mistakesIn(main).split('\n')).toHaveLength(count);
  });
});

function mistakesIn(main: string, { files = {}, env = {}, set = {} }: Around = {}): string {
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const { config, errors } = checkConfig(folder.write('relay.yaml', main), given(env, set));
  expect(config).toBeUndefined();
  return folder.without(errors.map(diagnosticText).join('\n'));
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '      ');
}
