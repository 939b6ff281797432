import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { cli } from '../../support/cli.ts';
import { configFolder } from '../../support/config-folder.ts';
import { declareAsKazoo, onChannel } from '../../support/kazoo.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { messagesOn, queuesOn, type SharedBroker, shareBroker } from '../../support/rabbitmq.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import { until } from '../../support/until.ts';

const folder = configFolder();
const brokers = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
const whole = `${brokers}routes: { all: { sink: { type: log } } }\n`;

describe('check', () => {
  test('says that nothing is wrong where nothing is', async () => {
    const { stdout, code } = await cli(['check', '--config', 'config/kazoo-relay.yaml']);
    expect([stdout, code]).toEqual(['config/kazoo-relay.yaml: 1 broker, 2 routes, no mistakes\n', 0]);
  });

  test('tells all mistakes, each on a line, and ends with 1', async () => {
    const file = folder.write('relay.yaml', `${whole}log: { levle: info }\nqueue: { expires: soon }\n`);
    const { stdout, code } = await cli(['check', '--config', file]);
    expect(folder.without(stdout)).toBe(`mistake  relay.yaml:3:8: log.levle is not an option; did you mean level?
mistake  relay.yaml:4:10: queue.expires must be a duration above 0, such as 500ms, 30s or 5m, 24d at most: value was "soon"
relay.yaml: 2 mistakes
`);
    expect(code).toBe(1);
  });

  test('tells what is surely not meant, and ends with 0', async () => {
    const file = folder.write('relay.yaml', whole);
    const { stdout, code } = await cli(['check', '--config', file, '--set', 'routes.all.events=missed_cal']);
    expect(folder.without(stdout)).toBe(
      `warning  --set routes.all.events: routes.all.events[0] "missed_cal" is not in the catalogue of events; did you mean missed_call?
relay.yaml: 1 broker, 1 route, no mistakes, 1 warning
`,
    );
    expect(code).toBe(0);
  });

  test('ends with 1 for what is surely not meant where it is strict', async () => {
    const file = folder.write('relay.yaml', whole);
    const of = (...args: string[]) =>
      cli(['check', '--config', file, '--set', 'routes.all.events=missed_cal', ...args]);
    expect(await of('--strict')).toMatchObject({ code: 1, stdout: (await of()).stdout });
    expect(JSON.parse((await of('--strict', '--json')).stdout)).toMatchObject({ ok: false, mistakes: [] });
    expect(await cli(['check', '--config', file, '--strict'])).toMatchObject({ code: 0 });
  });

  test('shows a line that can’t be read, and how it was meant', async () => {
    const file = folder.write(
      'relay.yaml',
      `${brokers}routes:\n  all:\n    where: event = "missed_call"\n    sink: { type: log }\n`,
    );
    const { stdout, code } = await cli(['check', '--config', file]);
    expect(stdout).toContain('to compare, write ==');
    expect(stdout).toMatch(/^ +event = "missed_call"\n +\^\n +write:\n +event == "missed_call"$/m);
    expect(code).toBe(1);
  });

  test('tells what is surely not meant beside what is wrong', async () => {
    const file = folder.write('relay.yaml', `${whole}queue: { expires: soon }\n`);
    const { stdout, code } = await cli(['check', '--config', file, '--set', 'routes.all.events=missed_cal']);
    expect(stdout).toMatch(/^mistake {2}.*queue.expires .*\nwarning {2}.*missed_call\?\n.*: 1 mistake, 1 warning\n$/);
    expect(code).toBe(1);
  });

  test('tells of schemas that do not work, with the place that names them', async () => {
    folder.write('schemas/low_balance.json', '{ "type": "nothing" }');
    const file = folder.write('relay.yaml', `${whole}validation:\n  schemas: [FOLDER/schemas]\n`);
    const { stdout, code } = await cli(['check', '--config', file]);
    expect(folder.without(stdout)).toMatch(
      /^mistake {2}relay.yaml:4:12: validation.schemas schema .*low_balance.json: /,
    );
    expect(code).toBe(1);
    const more = folder.write('relay.yaml', `${whole}validation:\n  schemas: [FOLDER/schemas]\nlog: { level: loud }\n`);
    expect((await cli(['check', '--config', more])).stdout).toMatch(
      /^mistake .* log.level .*\nmistake .* validation.schemas .*\n.*: 2 mistakes\n$/,
    );
  });

  test('has all of it for programs too', async () => {
    const file = folder.write('relay.yaml', `${whole}log: { level: loud }\n`);
    const { stdout, code } = await cli(['check', '--config', file, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      mistakes: [
        {
          source: file,
          line: 3,
          column: 8,
          option: 'log.level',
          message: 'must be one of trace, debug, info, warn, error, fatal, silent',
          value: '"loud"',
        },
      ],
      warnings: [],
      connections: [],
    });
    expect(code).toBe(1);
  });

  test('tells programs too that the configuration is not there', async () => {
    const { stdout, stderr, code } = await cli(['check', '--config', '/nowhere.yaml', '--json']);
    const message = 'there is no file /nowhere.yaml, or it may not be seen: name the configuration with --config';
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      mistakes: [{ source: '/nowhere.yaml', option: '', message }],
      warnings: [],
      connections: [],
    });
    expect([stderr, code]).toEqual([`kazoo-relay: ${message}\n`, 2]);
  });

  test.each([[['--config', '/nowhere.yaml']], [['--nonsense']], [['--set', 'nonsense']]])(
    'ends with 2 and a word where it can’t do what it is asked for: %j',
    async (args) => {
      const { stdout, stderr, code } = await cli(['check', ...args]);
      expect(stdout + stderr).not.toBe('');
      expect(code).toBe(2);
    },
  );
});

describe('check --connect', () => {
  let broker: SharedBroker;
  let postgres: SharedPostgres;
  const receivers: Receiver[] = [];

  beforeAll(async () => {
    [broker, postgres] = await Promise.all([shareBroker(), sharePostgres()]);
  });

  afterEach(async () => {
    for (const receiver of receivers.splice(0)) await receiver.close();
    await onChannel(broker.url, async (channel) => {
      await channel.deleteQueue('kazoo-relay');
      await channel.deleteExchange('notifications');
    });
  });

  afterAll(async () => {
    await broker.close();
    await postgres.close();
  });

  test('is what init ends in', async () => {
    const file = `${folder.path}/made.yaml`;
    const sinks = ['--sink', `${folder.path}/a.ndjson`, '--sink', postgres.url, '--sink', 'log'];
    const where = ['--broker', `west=${broker.url}`, '--journal', `${folder.path}/journal`];
    const { stdout, code } = await cli(['init', '--config', file, ...where, ...sinks]);
    expect([code, stdout.match(/^ok /gm)?.length]).toEqual([0, 5]);
    expect(stdout).toContain(`\nnext: kazoo-relay run --config ${file}\n`);
    expect((await cli(['check', '--config', file, '--connect'])).code).toBe(0);
  });

  test('finds everything there, and leaves everything as it is', async () => {
    const receiver = await startReceiver();
    receivers.push(receiver);
    const { lines, code } = await connect({
      hook: { type: 'webhook', url: `${receiver.url}/hook`, auth: { bearer: { token: 'geheim' } } },
      file: { type: 'file', path: `${folder.path}/out/a.ndjson` },
      table: { type: 'database', url: postgres.url },
      sqlite: { type: 'database', url: `sqlite://${folder.path}/a.db` },
      log: { type: 'log' },
    });
    expect(lines).toEqual([
      expect.stringMatching(/^ok {7}journal journal +journal\/journal.sqlite can be made; [\d.]+ GiB are free there$/),
      expect.stringMatching(
        /^ok {7}broker west 127.0.0.1:\d+ +RabbitMQ \d+\.\d+\.\d+; no exchange notifications yet, .*; no queue kazoo-relay yet, which the daemon makes$/,
      ),
      expect.stringMatching(
        /^ok {7}route hook \(webhook\) +http:\/\/127.0.0.1:\d+ takes connections; nothing was sent to it$/,
      ),
      expect.stringMatching(/^ok {7}route file \(file\) +out\/a.ndjson can be made; /),
      expect.stringMatching(
        /^ok {7}route table \(database\) +PostgreSQL at 127.0.0.1:\d+\/\w+ answers; before its first row the daemon makes: the table "notifications"$/,
      ),
      expect.stringMatching(/^ok {7}route sqlite \(database\) +a.db can be made; /),
      expect.stringMatching(/^ok {7}route log \(log\) +lines go to stdout$/),
      'relay.yaml: 1 broker, 5 routes, no mistakes',
    ]);
    expect(code).toBe(0);
    expect(receiver.arrivals).toEqual([]);
    expect(receiver.connections).toBe(1);
    expect(await queuesOn(broker)).toEqual([]);
    const exchanges = await broker.ask(`rabbit_exchange:info_all(${broker.vhost}, [name])`);
    expect(exchanges).not.toContainEqual({ name: 'notifications' });
    expect(await postgres.query("SELECT to_regclass('notifications') AS it")).toEqual([{ it: null }]);
    for (const name of ['journal', 'out', 'a.db']) expect(existsSync(`${folder.path}/${name}`)).toBe(false);
  });

  test('consumes nothing of a queue that is there, and leaves a file that is there alone', async () => {
    await makeQueue({ 'x-max-length': 100_000 });
    const file = folder.write('a.ndjson', '{"id":"half a line');
    const before = statSync(file);
    const { lines, code } = await connect({ file: { type: 'file', path: file } });
    expect(lines[1]).toMatch(
      /; the exchange notifications is there; the queue kazoo-relay is there \(1 waiting, no consumer\)$/,
    );
    expect(code).toBe(0);
    expect(await queuesOn(broker)).toMatchObject([{ name: 'kazoo-relay', messages: 1 }]);
    expect(statSync(file)).toMatchObject({ size: before.size, mtimeMs: before.mtimeMs });
  });

  test('says what is in the way, and ends with 1', async () => {
    await makeQueue({ 'x-max-length': 5 });
    const folderAsFile = folder.write('out', '');
    mkdirSync(`${folder.path}/journal`);
    chmodSync(`${folder.path}/journal`, 0o707);
    const { lines, code } = await connect({
      hook: { type: 'webhook', url: 'http://127.0.0.1:9/geheim-geheim-geheim' },
      file: { type: 'file', path: `${folderAsFile}/below/a.ndjson` },
      nowhere: { type: 'database', url: 'sqlite:///proc/nothing/a.db' },
      table: { type: 'database', url: postgres.url.replace('geheim', 'wrong') },
      foreign: { type: 'database', url: postgres.url, migrate: false },
    });
    expect(lines.slice(0, -1)).toEqual([
      expect.stringMatching(/^failed {3}journal journal .* others may write .*: chmod o-w journal, or give the daemon/),
      expect.stringMatching(/^failed {3}broker west .* the queue "kazoo-relay" exists with other arguments/),
      expect.stringMatching(/^failed {3}route hook .* http:\/\/127.0.0.1:9 can't be reached: .*ECONNREFUSED/),
      expect.stringMatching(/^failed {3}route file .* out is not a folder$/),
      expect.stringMatching(
        /^failed {3}route nowhere .* nothing can be made in \/proc: its file system is the kernel's own$/,
      ),
      expect.stringMatching(/^failed {3}route table .* PostgreSQL at .*: password authentication failed/),
      expect.stringMatching(/^failed {3}route foreign .* lacks what the daemon may not make: the table/),
    ]);
    expect(lines.join()).not.toContain('geheim');
    expect(code).toBe(1);
  });

  test('says that a table can not be made where this user may not, and how to let him', async () => {
    await postgres.query(`
      CREATE ROLE poor LOGIN PASSWORD 'geheim';
      REVOKE CREATE ON SCHEMA public FROM PUBLIC;
      CREATE TABLE theirs (id uuid PRIMARY KEY, event text, category text, account_id text, zone text, node text,
        occurred_at timestamptz, received_at timestamptz, valid boolean, problems jsonb, data jsonb);
      GRANT SELECT, INSERT ON theirs TO poor;
    `);
    const table = { type: 'database', url: postgres.url.replace('relay:', 'poor:') };
    const { lines, code } = await connect({
      poor: table,
      nowhere: { ...table, schema: 'nope' },
      theirs: { ...table, table: 'theirs' },
    });
    expect(lines.slice(2, -1)).toEqual([
      expect.stringMatching(
        /^failed {3}route poor .* lacks what can't be made: the table .*; this user may make nothing in the schema public \(GRANT CREATE ON SCHEMA public TO …\)$/,
      ),
      expect.stringMatching(
        /^failed {3}route nowhere .* lacks what can't be made: the table .*; there is no schema nope$/,
      ),
      expect.stringMatching(
        /^failed {3}route theirs .* lacks what can't be made: an index .*; this user may make nothing in the schema public/,
      ),
    ]);
    await postgres.query('GRANT CREATE ON SCHEMA public TO poor');
    const granted = await connect({ poor: table, theirs: { ...table, table: 'theirs' } });
    expect(granted.lines.slice(2, -1)).toEqual([
      expect.stringMatching(/^ok {7}route poor /),
      expect.stringMatching(
        /^failed {3}route theirs .*; the table belongs to another user \(ALTER TABLE theirs OWNER TO …\)$/,
      ),
    ]);
    expect(code).toBe(1);
  });

  test('says so where a file is no database', async () => {
    const notes = folder.write('notes.txt', 'what somebody has noted down');
    folder.write('journal/journal.sqlite', 'not a journal, and long enough');
    folder.write('empty.db', '');
    const { lines } = await connect({
      notes: { type: 'database', url: `sqlite://${notes}` },
      empty: { type: 'database', url: `sqlite://${folder.path}/empty.db` },
    });
    expect(lines[0]).toMatch(
      /^failed {3}journal journal +journal\/journal.sqlite is no database of SQLite, or damaged$/,
    );
    expect(lines.slice(2, -1)).toEqual([
      expect.stringMatching(/^failed {3}route notes .* notes.txt is no database of SQLite, or damaged$/),
      expect.stringMatching(/^ok {7}route empty .* empty.db can be written; /),
    ]);
  });

  test('says so where a broker is not there', async () => {
    const { stdout, code } = await cli([
      'check',
      '--connect',
      '--json',
      '--config',
      folder.write('relay.yaml', whole.replace('127.0.0.1', '127.0.0.1:9')),
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      mistakes: [],
      connections: [
        { name: 'journal /var/lib/kazoo-relay' },
        { name: 'broker west 127.0.0.1:9', ok: false, found: expect.stringContaining('ECONNREFUSED') },
        { name: 'route all (log)', ok: true, found: 'lines go to stdout' },
      ],
    });
    expect(code).toBe(1);
  });

  /** A queue of ours with one message in it. */
  async function makeQueue(changes: object): Promise<void> {
    await declareAsKazoo(broker.url);
    await onChannel(broker.url, async (channel) => {
      const ours = {
        'x-queue-type': 'classic',
        'x-max-length-bytes': 134_217_728,
        'x-overflow': 'drop-head',
        'x-expires': 86_400_000,
      };
      await channel.assertQueue('kazoo-relay', { durable: true, arguments: { ...ours, ...changes } });
      channel.sendToQueue('kazoo-relay', Buffer.from('x'));
      // Its answer comes behind the message.
      await channel.checkQueue('kazoo-relay');
    });
    await until(async () => (await messagesOn(broker)) === 1, { what: 'the message to be in the queue' });
  }

  async function connect(sinks: Record<string, object>): Promise<{ lines: string[]; code: number | null }> {
    const routes = Object.fromEntries(Object.entries(sinks).map(([name, sink]) => [name, { sink }]));
    const config = {
      brokers: [{ zone: 'west', url: broker.url }],
      journal: { path: `${folder.path}/journal` },
      routes,
    };
    const { stdout, code } = await cli([
      'check',
      '--connect',
      '--config',
      folder.write('relay.yaml', stringify(config)),
    ]);
    return { lines: folder.without(stdout).trimEnd().split('\n'), code };
  }
});
