import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { databaseSink } from '../../src/sinks/database/sink.ts';
import { cli, cliProcess } from '../support/cli.ts';
import { configFolder } from '../support/config-folder.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { databaseSinkOptions } from '../support/database.ts';
import { publishAsKazoo } from '../support/kazoo.ts';
import { queuesOn, type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { until } from '../support/until.ts';

const folder = configFolder();
let broker: SharedBroker;
let daemon: Daemon | undefined;

beforeAll(async () => {
  broker = await shareBroker();
});

afterEach(async () => {
  await daemon?.end('SIGKILL');
});

afterAll(() => broker.close());

describe('what the file says', () => {
  test('is what the daemon does, from the broker to the sink', async () => {
    folder.write('config.ini', `[amqp]\nuri = "${broker.url}"\n`);
    folder.write('conf.d/a.yaml', 'routes: { extra: { sink: { type: file, path: FOLDER/extra.ndjson } } }');
    folder.write('schemas/low_balance.json', '{ "required": ["approved"] }');
    const file = folder.write(
      'relay.yaml',
      `include: conf.d/*.yaml
brokers: { kazooConfig: FOLDER/config.ini, localZone: main }
queue: { name: mine, maxLength: 77, maxLengthBytes: 3MiB, expires: 2h }
intake: { prefetch: 42, maxBodySize: 2KiB, maxBodyMembers: 300, heartbeat: 7s }
journal: { path: FOLDER/journal }
validation: { schemas: [FOLDER/schemas] }
routes: { all: { reveal: [password], sink: { type: log, level: warn } } }
`,
    );
    daemon = startDaemon(file);
    await daemon.says('consuming');
    const consumers = await broker.ask(`rabbit_amqqueue:consumers_all(${broker.vhost})`);
    expect(consumers).toMatchObject([{ queue_name: 'mine', prefetch_count: 42 }]);
    const args = { 'x-max-length': 77, 'x-max-length-bytes': 3_145_728, 'x-expires': 7_200_000 };
    expect(await queuesOn(broker)).toMatchObject([{ name: 'mine', arguments: args }]);
    const connections = await broker.ask('rabbit_networking:connection_info_all([vhost, timeout])');
    expect(connections).toContainEqual({ vhost: new URL(broker.url).pathname.slice(1), timeout: 7 });

    await publishAsKazoo(broker.url, 1, { Approved: 'yes', Password: 'x' });
    await publishAsKazoo(broker.url, 1);
    await publishAsKazoo(broker.url, 1, { Approved: 'yes', Filler: 'x'.repeat(3_000) });
    await publishAsKazoo(broker.url, 1, { Approved: 'yes', Filler: Array.from({ length: 300 }, () => 1) });
    await publishAsKazoo(broker.url, 1, { Approved: 'yes' });
    await until(() => daemon?.stdout.trim().split('\n').length === 2, { what: 'the two that are valid' });
    const [first] = daemon.stdout.trim().split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ level: 'warn', zone: 'main', data: { password: 'x' } });
    const { stdout } = await cli(['status', '--json', '--config', file]);
    expect(JSON.parse(stdout)).toMatchObject({
      journal: { path: `${folder.path}/journal`, messages: 5, undecodable: 2 },
      routes: [
        { name: 'all', quarantined: 1 },
        { name: 'extra', quarantined: 1 },
      ],
    });
    await until(() => existsSync(`${folder.path}/extra.ndjson`), { what: 'the file of the included route' });
  });
});

describe("the daemon's log", () => {
  /** It says that it starts, and ends, because the journal can't be made. */
  const logOf = async (...args: string[]) => {
    const brokers = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
    const main = `${brokers}routes: { all: { sink: { type: log } } }\njournal: { path: FOLDER/relay.yaml/journal }\n`;
    const { stderr, code } = await cliProcess(['run', '--config', folder.write('relay.yaml', main), ...args]);
    expect(code).toBe(1);
    return stderr;
  };

  test('is in JSON or for people, and says as much as the level lets it', async () => {
    expect(await logOf('--log-format', 'json')).toMatch(/^\{.*"msg":"starting".*\}\n/);
    expect(await logOf('--log-format', 'pretty')).toMatch(/^\[.*INFO.*starting/);
    expect(await logOf('--log-format', 'json', '--log-level', 'error')).not.toContain('starting');
    expect(await logOf('--log-format', 'json', '--set', 'queue.expires=10s')).toMatch(
      /"warning":"--set queue.expires: /,
    );
  });
});

describe('the batches of a database sink', () => {
  test('are as large, and wait as long, as its options say', () => {
    const given = { url: 'postgres://h/d', connections: 3, batch: { max: 50, linger: '2s' } };
    const flow = { batch: { max: 50, linger: 2_000 }, concurrency: 3 };
    expect(databaseSink.limits(databaseSinkOptions(given))).toEqual(flow);
  });
});
