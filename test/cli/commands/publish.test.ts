import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import amqp, { type Channel, type ChannelModel, type ConsumeMessage } from 'amqplib';
import pino from 'pino';
import { freePort } from '../../../scripts/quickstart/free-port.ts';
import { eventNamed, events } from '../../../src/kazoo/catalogue.ts';
import { openControl } from '../../../src/ops/control.ts';
import { cli } from '../../support/cli.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { type SharedBroker, shareBroker } from '../../support/rabbitmq.ts';
import { until } from '../../support/until.ts';

const gregorianEpoch = 62_167_219_200;

let folder: string;
let broker: SharedBroker;
let connection: ChannelModel;
let channel: Channel;
const received: ConsumeMessage[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-publish-'));
  broker = await shareBroker();
  connection = await amqp.connect(broker.url);
  channel = await connection.createChannel();
  await channel.assertExchange('notifications', 'topic', { durable: false, autoDelete: false });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'notifications', '#');
  await channel.consume(queue, (message) => message && received.push(message), { noAck: true });
});

afterAll(async () => {
  await connection?.close();
  await broker?.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  received.length = 0;
});

function publish(...args: string[]) {
  return cli(['publish', '--url', broker.url, ...args]);
}

async function bodies(count: number): Promise<Record<string, unknown>[]> {
  await until(() => received.length >= count, { what: `${count} messages` });
  return received.map(({ content }) => JSON.parse(content.toString()));
}

test('the page of the first webhook leads to one, by its own commands', async () => {
  const port = String(await freePort());
  const config = join(folder, 'mine.yaml');
  const page = readFileSync('docs/get-started/first-webhook.md', 'utf8')
    .replaceAll('config/mine.yaml', config)
    .replaceAll('8080', port);
  const [, route = ''] = /^```yaml\n(.*?)^```/ms.exec(page) ?? [];
  const commands = [...page.matchAll(/^ {7}(.*)$/gm)].map(([, command = '']) => command);
  const [copy = '', receive = '', ...ours] = commands;
  const [, example = ''] = /^cp (\S+) /.exec(copy) ?? [];
  const [, script = ''] = /^node -e '(.*)'$/.exec(receive) ?? [];
  const args = ours.map((command) => command.replace('npm run -s relay -- ', '').replace(' --follow', '').split(' '));
  expect(args.map(([name]) => name)).toEqual(['check', 'run', 'publish', 'status', 'tail']);
  const [check = [], , publishing = [], status = [], tail = []] = args;

  writeFileSync(config, readFileSync(example, 'utf8').replace('\nroutes:\n', `\nroutes:\n${route}`));
  const env = {
    KAZOO_RELAY_BROKERS_0_URL: broker.url,
    KAZOO_RELAY_JOURNAL_PATH: join(folder, 'journal'),
    KAZOO_RELAY_ROUTES_ARCHIVE_SINK_PATH: join(folder, 'notifications.ndjson'),
    KAZOO_RELAY_HTTP_LISTEN: 'off',
  };
  const receiver = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let arrived = '';
  receiver.stdout.on('data', (chunk) => {
    arrived += chunk;
  });
  let daemon: Daemon | undefined;
  try {
    const checked = async () => (await cli(check, '', env)).code === 0;
    await until(checked, { what: 'the receiver and the broker to be there' });
    daemon = startDaemon(config, [], { variables: env });
    await daemon.says('consuming');
    expect((await cli(publishing, '', env)).code).toBe(0);
    await until(() => arrived.includes('"event":"missed_call"'), { what: 'the first webhook' });
    expect((await cli(status, '', env)).stdout).toMatch(/^first /m);
    expect((await cli(tail, '', env)).stdout).toContain('missed_call');
  } finally {
    await daemon?.end('SIGTERM');
    receiver.kill();
  }
});

describe('publish', () => {
  test('publishes one of every event under its own key, and says so without the password', async () => {
    const { stdout, stderr, code } = await publish('--all');
    expect({ stdout, stderr, code }).toEqual({
      stdout:
        `published 44 notifications to 127.0.0.1:${broker.port}; ` +
        "KAZOO's routing key of 5 is unknown, they have notifications.unknown.EVENT\n",
      stderr: '',
      code: 0,
    });
    const names = (await bodies(44)).map((body) => body['Event-Name']);
    expect(names).toEqual(events.map(({ name }) => name));
    expect(received.map(({ fields }) => fields.routingKey)).toEqual(
      events.map(({ name, routingKey }) => routingKey ?? `notifications.unknown.${name}`),
    );
  });

  test('sets the properties that KAZOO sets, and no other', async () => {
    const before = Date.now();
    await publish('voicemail_new');
    await bodies(1);
    const { timestamp, ...others } = received[0]?.properties ?? {};
    const set = Object.entries(others).filter(([, value]) => value !== undefined);
    expect(set).toEqual([['contentType', 'application/json']]);
    const at = timestamp / 1000 - gregorianEpoch * 1000;
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
    expect(Number.isInteger(at)).toBe(true);
    expect(received[0]?.fields.exchange).toBe('notifications');
  });

  test('gives each a message id and a time of its own, so that none is taken for a resend', async () => {
    const before = Math.floor(Date.now() / 1000) + gregorianEpoch;
    await publish('voicemail_new', 'voicemail_deleted', 'top_up', '--count', '3');
    const all = await bodies(9);
    expect(new Set(all.map((body) => body['Msg-ID'])).size).toBe(9);
    expect(all.every((body) => /^[0-9a-f]{32}$/.test(String(body['Msg-ID'])))).toBe(true);
    expect(new Set(all.map((body) => body['Call-ID'])).size).toBe(9);
    expect(all[0]?.['Voicemail-Timestamp']).toBeGreaterThanOrEqual(before);
    expect(typeof all[1]?.['Voicemail-Timestamp']).toBe('string');
    expect(all[2]).toMatchObject({ 'Event-Name': 'topup' });
  });

  test('waits with --wait until the daemon of the configuration is ready, and publishes nothing if it never is', async () => {
    const config = join(folder, 'waiting.yaml');
    const journal = join(folder, 'waiting');
    mkdirSync(journal);
    writeFileSync(
      config,
      `journal: { path: ${journal} }\nbrokers: [{ zone: a, url: '${broker.url}' }]\nroutes: { all: { sink: { type: log } } }\n`,
    );
    const args = ['--config', config, '--wait'];
    const late = await publish('voicemail_new', ...args, '0s');
    expect(late).toEqual({
      stdout: '',
      stderr: `kazoo-relay: nothing was published, because the daemon isn't ready: no daemon answers in ${journal}\n`,
      code: 1,
    });
    expect(await publish('voicemail_new', ...args, '1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('such as 30s'),
    });
    let asked = 0;
    const ready = async () => {
      asked += 1;
      return asked < 3 ? ['a: connecting'] : [];
    };
    const other = async () => null;
    const answers = { status: other, reload: other, config: other, live: other, ready };
    const control = await openControl(
      journal,
      { ...answers, try: other, look: other, page: other },
      pino({ level: 'silent' }),
    );
    try {
      expect(await publish('voicemail_new', ...args, '1m')).toMatchObject({ stderr: '', code: 0 });
    } finally {
      await control.close();
    }
    expect(asked).toBe(3);
    expect(await bodies(1)).toHaveLength(1);
  });

  test('changes the body by keys in either form', async () => {
    const set = ['account_id=abc', 'Voicemail-Length=7', 'text=', 'Call-ID=same', 'subject=8 o’clock', 'new.a_b.c=[1]'];
    await publish('voicemail_new', ...set.flatMap((change) => ['--set', change]), '--set', 'server_id=');
    const [body] = await bodies(1);
    expect(body).toMatchObject({
      'Account-ID': 'abc',
      'Voicemail-Length': 7,
      'Call-ID': 'same',
      Subject: '8 o’clock',
      new: { a_b: { c: [1] } },
    });
    expect(body).not.toHaveProperty('Server-ID');
    expect(body).not.toHaveProperty('account_id');
  });

  test('publishes the bodies of a file as they are, broken ones too', async () => {
    const known = '{ "Event-Name":"top_up", "Number":12345678901234567890 }';
    const unknown = '{"event_name":"parked_call"}';
    const file = join(folder, 'bodies.ndjson');
    writeFileSync(file, [known, unknown, '{"Event-Name":'].join('\n'));
    const { stdout, code } = await publish('--file', file);
    expect({ stdout, code }).toEqual({
      stdout:
        `published 3 notifications to 127.0.0.1:${broker.port}; ` +
        "KAZOO's routing key of 2 is unknown, they have notifications.unknown.EVENT\n",
      code: 0,
    });
    await until(() => received.length === 3, { what: 'the three bodies' });
    expect(received.map(({ content, fields }) => [fields.routingKey, content.toString()])).toEqual([
      [eventNamed('topup')?.routingKey, known],
      ['notifications.unknown.unknown', unknown],
      ['notifications.unknown.unknown', '{"Event-Name":'],
    ]);
  });

  test('publishes no faster than it is told to', async () => {
    await publish('low_balance', '--count', '4', '--rate', '20');
    await bodies(4);
    const times = received.map(({ properties }) => properties.timestamp / 1000);
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(145);
  });

  test('takes the first broker of the configuration', async () => {
    const config = join(folder, 'config.yaml');
    writeFileSync(
      config,
      `brokers: [{ zone: west, url: '${broker.url}' }]\nroutes: { all: { sink: { type: log } } }\n`,
    );
    expect(await cli(['publish', 'low_balance', '--config', config])).toMatchObject({ code: 0, stderr: '' });
    await bodies(1);
  });

  test.each([
    'amqp://u:hunter2@rabbit.example.com',
    'amqp://u:hunter2@127.0.0.1.example.com:5672',
    'amqp://[2001:db8::1]',
  ])('refuses %s, which isn’t on this machine, unless it is told that it means it', async (url) => {
    const { stdout, stderr, code } = await cli(['publish', 'low_balance', '--url', url]);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^kazoo-relay: .* is not on this machine\. .*e-mail.*--live\n$/);
    expect(stderr).not.toContain('hunter2');
    expect(code).toBe(2);
  });

  test.each([
    [['no_such_event'], 'no event "no_such_event"; '],
    [[], 'name the events to publish'],
    [['--all', 'topup'], 'not both'],
    [['--file', 'x', '--all'], 'leave out'],
    [['low_balance', '--set', 'current_balance.x=1'], "can't be set"],
    [['low_balance', '--set', 'nonsense'], 'key=value'],
    [['low_balance', '--count', '0'], 'from 1 on'],
    [['low_balance', '--rate', 'fast'], 'above 0'],
    [['--file', '/nowhere/bodies.json'], 'there is no such file'],
    [['low_balance', '--url', 'http://127.0.0.1:5672'], '--url must look like amqp://'],
    [['low_balance', '--url', 'amqp://guest:1/geheim@127.0.0.1:5672'], '--url has an @ behind its host'],
  ])('ends with 2 on %j', async (args, reason) => {
    const { stderr, code } = await publish(...args);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('geheim');
    expect(code).toBe(2);
    expect(received).toEqual([]);
  });

  test('ends with 1 when the broker can’t be reached, refuses the password, or has another exchange', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await until(() => server.listening, { what: 'the server' });
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    expect(await cli(['publish', 'low_balance', '--url', `amqp://127.0.0.1:${port}`])).toMatchObject({ code: 1 });
    server.close();
    await until(() => !server.listening, { what: 'the server to end' });
    const gone = await cli(['publish', 'low_balance', '--url', `amqp://localhost:${port}`]);
    expect(gone.stderr).toMatch(/^kazoo-relay: can't publish to the broker localhost:\d+: .*ECONNREFUSED.*\n$/);
    expect(gone.code).toBe(1);

    const refused = await cli(['publish', 'low_balance', '--url', broker.url.replace('guest:guest', 'guest:hunter2')]);
    expect(refused.stderr).toMatch(/^kazoo-relay: can't publish .*ACCESS.REFUSED.*\n$/);
    expect(refused.stderr).not.toContain('hunter2');
    expect(refused.code).toBe(1);

    await channel.deleteExchange('notifications');
    await channel.assertExchange('notifications', 'topic', { durable: true });
    const other = await publish('low_balance');
    expect(other.stderr).toMatch(/^kazoo-relay: can't publish .*PRECONDITION.FAILED.*\n$/);
    expect(other.code).toBe(1);
  });
});
