import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { reasonOf } from '../../src/common/errors.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Status } from '../../src/ops/status.ts';
import { cli, cliProcess } from '../support/cli.ts';
import { ask, httpAddress, total } from '../support/http.ts';
import { onChannel } from '../support/kazoo.ts';
import { type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

/** Every secret has this in it, and nothing else has. */
const mark = 'geheim';

let broker: SharedBroker;
let echo: Receiver;
let relay: TestRelay;
let at: string;
/** Everything that commands and the HTTP port have answered. */
const answers: string[] = [];

beforeAll(async () => {
  broker = await shareBroker();
  // A receiver that says again all that it was told, with every status that there is a way for.
  echo = await startReceiver(({ method, path, headers, body }, count) => {
    const said = `${method} ${path}\n${JSON.stringify(headers)}\n${headers.authorization}\n${decoded(headers.authorization)}\n${body}`;
    const status = path === '/away' ? 503 : ([500, 422, 429, 302, 401, 503][count % 6] ?? 500);
    return { status, headers: { 'x-echo': path, location: `/elsewhere${path}` }, body: said };
  });
  const url = `${echo.url}/hooks/${secret('path-of-a-chat-service')}?token=${secret('query')}`;
  const common = { retry: { schedule: ['1ms', '1ms'] }, circuit: { failures: 1_000, maxPause: '50ms' } };
  relay = testRelay(broker.url, (path) => ({
    brokers: [
      { zone: 'west', url: broker.url },
      { zone: 'east', url: broker.url.replace('guest:guest', `relay:${secret('broker%2F')}`) },
      { zone: 'north', url: `amqps://relay:${secret('amqps')}@127.0.0.1:1` },
    ],
    http: { listen: '127.0.0.1:0' },
    log: { format: 'json', level: 'trace' },
    routes: {
      console: { sink: { type: 'log' } },
      file: { invalid: 'deliver', sink: { type: 'file', path: path('file.ndjson') } },
      bearer: {
        ...common,
        sink: {
          type: 'webhook',
          url,
          headers: { 'X-Api-Key': secret('header') },
          signature: { secrets: [`whsec_${Buffer.from(secret('signature-of-the-hook')).toString('base64')}`] },
          auth: { bearer: { token: secret('bearer') } },
        },
      },
      // The receiver gets secrets of notifications, too, and is away.
      revealing: {
        events: ['customer_update'],
        reveal: ['user'],
        circuit: { failures: 1, maxPause: '50ms' },
        sink: { type: 'webhook', url: `${echo.url}/away` },
      },
      basic: { ...common, sink: { type: 'webhook', url, auth: { basic: { user: 'u', password: secret('basic/ä') } } } },
      fields: { ...common, sink: { type: 'webhook', url, format: 'kazoo-form', fields: { key: secret('field') } } },
      oauth2: {
        ...common,
        sink: {
          type: 'webhook',
          url,
          auth: {
            oauth2: {
              tokenUrl: `${echo.url}/token?key=${secret('token-url')}`,
              clientId: 'id',
              clientSecret: secret('client'),
              clientAuth: 'post',
            },
          },
        },
      },
      proxied: { ...common, sink: { type: 'webhook', url, proxy: `http://u:${secret('proxy')}@127.0.0.1:1` } },
      gone: { sink: { type: 'webhook', url: `http://127.0.0.1:1/?token=${secret('gone')}` } },
      postgres: { sink: { type: 'database', url: `postgres://u:${secret('postgres')}@127.0.0.1:1/kazoo` } },
      mysql: { sink: { type: 'database', url: `mysql://u:${secret('mysql')}@127.0.0.1:1/kazoo` } },
    },
  }));
  relay.start();
  at = await httpAddress(relay.daemon);
  await relay.daemon.says('consuming');
});

afterAll(async () => {
  await relay.close();
  await echo.close();
  await broker.close();
});

describe('no secret', () => {
  test('of the configuration or of a body is in what the daemon and the commands write', async () => {
    await publish(...bodies().map((body) => JSON.stringify(body)));
    await publish(
      `{"Event-Name":"new_user","Password":"${secret('undecodable')}`,
      `${secret('no-json')}`,
      `"${secret('text')}"`,
      `[${JSON.stringify(secret('array'))}]`,
      `{"Password":"${secret('twice')}","password":"${secret('twice-too')}"}`,
      `{"Event-Name":"new_user","Password":"\xff${secret('encoding')}"}`,
    );
    const count = bodies().length + 6;
    await until(async () => total(await told('/metrics'), 'kazoo_relay_notifications_total') === count, {
      what: 'everything to be journalled',
    });
    await until(async () => total(await told('/metrics'), 'kazoo_relay_dead_letters_total', { route: 'bearer' }) > 0, {
      what: 'a dead letter',
    });
    await until(async () => total(await told('/metrics'), 'kazoo_relay_dead_letters_total', { route: 'basic' }) > 0, {
      what: 'another dead letter',
    });
    await until(async () => /revealing.*answered 503: POST/.test(await ran('status')), {
      what: 'the circuit to open',
    });
    const page: Status = JSON.parse(await told('/status'));
    expect(page.routes.find(({ name }) => name === 'revealing')?.circuit).toMatchObject({
      reason: 'the sink is away (503); the command "status" says why',
      code: 503,
    });
    expect(page.brokers?.find(({ zone }) => zone === 'east')).toMatchObject({
      reason: 'no intake (403); the command "status" says why',
      code: 403,
    });
    expect(await told('/readyz')).toContain('(zone east): away: no intake (403); the command');
    expect(await ran('status')).toContain('ACCESS_REFUSED');
    relay.daemon.process.kill('SIGUSR2');
    for (const path of ['/metrics', '/status', '/readyz', '/livez', `/${secret('asked')}`.slice(0, 2)])
      await told(path);
    await ran('status');
    await ran('status', '--json');
    await ran('tail', '--limit', '100');
    await ran('tail', '--limit', '100', '--json');
    await ran('dead', 'list');
    await ran('dead', 'list', '--group');
    const listed = await ran('dead', 'list', '--json');
    const ids = listed.split('\n').map((line) => /"id":"([^"]+)".*"(dead|undecodable|quarantined)"/.exec(line) ?? []);
    // One of each is enough: all are shown by the same lines of code.
    for (const state of ['dead', 'undecodable', 'quarantined']) {
      await ran('dead', 'show', ids.find(([, , found]) => found === state)?.[1] ?? '');
    }
    for (const route of ['bearer', 'oauth2', 'postgres']) await ran('probe', route, '--event', 'new_user');
    expect(await relay.daemon.end('SIGTERM')).toBe(0);

    expect(findings(relay.daemon.stdout)).toEqual([]);
    expect(findings(relay.daemon.stderr)).toEqual([]);
    expect(answers.flatMap(findings)).toEqual([]);
    expect(findings(readFileSync(relay.path('file.ndjson'), 'utf8'))).toEqual([]);
    // That all of it was really said is what makes the rest worth something.
    expect(
      echo.arrivals
        .map(({ path, headers, body }) => `${path}${headers.authorization}${headers['x-api-key']}${body}`)
        .join(),
    ).toContain(mark);
    expect(relay.daemon.stderr).toContain('sink unavailable');
    expect(answers.join()).toContain('[redacted]');
  });

  test('of a body that could be decoded, nor of the configuration, is in the journal', () => {
    const allowed = /undecodable|no-json|text|array|encoding|revealed/;
    const found = globSync(`${relay.journal}/*`, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap((entry) => findings(readFileSync(`${entry.parentPath}/${entry.name}`, 'latin1')));
    expect(found.filter((finding) => !allowed.test(finding))).toEqual([]);
  });

  test('is in what is said of a configuration that is wrong', async () => {
    const good = { brokers: [{ zone: 'west', url: 'amqp://u:p@h' }], journal: { path: relay.path('other') } };
    const sink = { type: 'file', path: 'f' };
    const wrong: object[] = [
      { ...good, brokers: [{ zone: 'west', url: `amqp//u:${secret('a')}@host` }] },
      { ...good, brokers: [{ zone: 'west', url: `amqp://u:${secret('b')}@host`, password: secret('c') }] },
      { ...good, brokers: `amqp://u:${secret('d')}@host` },
      { ...good, routes: { r: { sink: { type: 'webhook', url: `htp://u:${secret('e')}@host/${secret('f')}` } } } },
      { ...good, routes: { r: { sink: { type: 'webhook', url: 'http://h', auth: { bearer: secret('g') } } } } },
      { ...good, routes: { r: { sink: { type: 'webhook', url: 'http://h', signature: { secrets: [secret('h')] } } } } },
      { ...good, routes: { r: { sink: { type: 'webhook', url: 'http://h', headers: { 'X Y': secret('i') } } } } },
      { ...good, routes: { r: { sink: { type: 'database', url: `pstgres://u:${secret('j')}@h/d` } } } },
      { ...good, routes: { r: { sink: { type: 'webhook', url: 'http://h', proxy: `u:${secret('k')}@h` } } } },
      { ...good, routes: { r: { sink: { type: 'webhook', url: `http://u:${secret('user-info')}@h/` } } } },
      { ...good, routes: { r: { sink } }, http: { listen: `127.0.0.1:${secret('l').length}x` } },
    ];
    for (const [index, config] of wrong.entries()) {
      const file = relay.path(`wrong-${index}.yaml`);
      writeFileSync(file, stringify({ routes: { r: { sink } }, ...config }));
      expect(findings(mistakesIn(file))).toEqual([]);
    }
    const broken = relay.path('broken.yaml');
    for (const text of [
      `url: amqp://u:*${secret('m')}`,
      `url: *${secret('n')}`,
      `url: "\\q${secret('o')}"`,
      `a: !${secret('p')} b`,
    ]) {
      writeFileSync(broken, `brokers:\n  - zone: west\n    ${text}\n`);
      expect(findings(mistakesIn(broken))).toEqual([]);
    }
    const { code, stderr } = await cliProcess(['run', '--config', broken]);
    expect(code).toBe(2);
    expect(stderr).toBe(`kazoo-relay: ${mistakesIn(broken)}\n`);
  });
});

/** What is said of a configuration that can't be used. */
function mistakesIn(file: string): string {
  try {
    loadConfig(file);
  } catch (error) {
    return reasonOf(error);
  }
  throw new Error(`nothing is wrong in ${file}`);
}

function secret(name: string): string {
  return `${mark}-${name}`;
}

/** Where a secret stands in a text, as it is, in base64, or in the notations of URLs and JSON. */
function findings(text: string): string[] {
  const forms = [mark, encodedMark(0), encodedMark(1), encodedMark(2)];
  return forms.flatMap((form) => [...text.matchAll(new RegExp(`.{0,60}${form}.{0,60}`, 'gs'))].map(([found]) => found));
}

/** How the mark looks in base64 when so many bytes stand before it, without what its neighbours change. */
function encodedMark(offset: number): string {
  return Buffer.from(`${'x'.repeat(offset)}${mark}`)
    .toString('base64')
    .slice(offset === 0 ? 0 : 2 + offset - 1, 8);
}

function decoded(authorization: string | undefined): string {
  return Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
}

/** Secrets wherever KAZOO puts them, and where it might. */
function bodies(): object[] {
  const common = {
    'App-Name': 'crossbar',
    'App-Version': '4.3',
    'Event-Category': 'notification',
    'Account-ID': 'a1',
    Node: 'kazoo_apps@apps1.example.com',
  };
  const body = (name: string, parts: object) => ({ ...common, 'Event-Name': name, 'Msg-ID': name, ...parts });
  const user = { 'First-Name': 'A', 'Last-Name': 'B', Email: 'a@example.com', Username: 'u' };
  return [
    body('new_user', { ...user, Password: secret('password') }),
    body('new_user', { ...user, Password: { Inner: secret('object') }, 'Msg-ID': '2' }),
    body('new_user', { ...user, Password: [secret('list')], Preview: true }),
    body('password_recovery', { ...user, 'Password-Reset-Link': `https://example.com/?t=${secret('link')}` }),
    body('new_account', { 'Account-Name': 'n', 'Account-API-Key': secret('api-key') }),
    body('bill_reminder', { 'Payment-Token': { x: { Token: secret('payment') } }, Items: 'wrong' }),
    body('webhook', {
      Hook: { URI: `https://u:${secret('hook')}@example.com/`, 'Custom-Data': { a: secret('custom') } },
      Data: {},
    }),
    body('system_alert', {
      Message: 'm',
      Subject: 's',
      Details: { 'Req-Headers': { 'x-auth-token': secret('headers') }, deep: { 'Request-Data': secret('data') } },
    }),
    body('customer_update', {
      User: { Password: secret('revealed "1"') },
      Message: `https://u:${secret('in-url')}@h/`,
    }),
    body('no_such_event', {
      Cookie: secret('cookie'),
      a: [{ 'Auth-Token': secret('nested') }],
      'X-Api-Key': secret('key'),
    }),
  ];
}

function publish(...texts: string[]): Promise<void> {
  return onChannel(broker.url, async (channel) => {
    for (const text of texts) channel.publish('notifications', 'notifications.test.test', Buffer.from(text, 'latin1'));
    // Its answer comes after the broker has read them all.
    await channel.checkQueue('kazoo-relay');
  });
}

async function told(path: string): Promise<string> {
  const { body } = await ask(at, path);
  answers.push(body);
  return body;
}

async function ran(...args: string[]): Promise<string> {
  const { stdout, stderr } = await cli([...args, '--config', relay.config]);
  answers.push(stdout, stderr);
  return stdout;
}
