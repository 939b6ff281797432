import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { messages } from '../../src/common/messages.ts';
import { askDaemon } from '../../src/ops/control.ts';
import type { Status } from '../../src/ops/status.ts';
import type { ReloadReport } from '../../src/relay/reload.ts';
import { cli } from '../support/cli.ts';
import { onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { publishSteadily } from '../support/publisher.ts';
import { type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { startReceiver } from '../support/receiver.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

let broker: SharedBroker;
let relay: TestRelay | undefined;

beforeAll(async () => {
  broker = await shareBroker();
});

afterEach(async () => {
  await relay?.close();
  relay = undefined;
  await onChannel(broker.url, (channel) => channel.deleteQueue('kazoo-relay'));
});

afterAll(() => broker.close());

/** A daemon that consumes, with these routes. */
async function start(routes: (path: (name: string) => string) => object, more: object = {}): Promise<TestRelay> {
  const started = testRelay(broker.url, (path) => ({ ...more, routes: routes(path) }));
  relay = started;
  started.start();
  await started.daemon.says('"consuming"');
  return started;
}

/** Writes the configuration anew with what is changed at its top. */
function change({ config }: TestRelay, parts: object): void {
  writeFileSync(config, stringify({ ...parse(readFileSync(config, 'utf8')), ...parts }));
}

async function reload({ journal }: TestRelay): Promise<ReloadReport> {
  return (await askDaemon(journal, 'reload')) as ReloadReport; // as the daemon answers
}

async function hasRoute({ journal }: TestRelay, name: string): Promise<boolean> {
  const { routes } = (await askDaemon(journal, 'status')) as Status; // as the daemon answers
  return routes.some((route) => route.name === name);
}

const file = (path: string, more: object = {}) => ({ ...more, sink: { type: 'file', path } });

describe('a reload', () => {
  test('adds, replaces and removes routes, and leaves the others and the broker alone', async () => {
    const { daemon, path, ...rest } = await start((at) => ({
      same: file(at('out/same')),
      changing: file(at('out/before')),
      leaving: file(at('out/leaving')),
    }));
    const own = { ...rest, daemon, path };
    const [first] = await publishAsKazoo(broker.url, 1);
    // Routes don't wait for each other.
    const haveLines = (names: readonly string[], count: number) =>
      until(() => names.every((name) => own.lines(`out/${name}`).length === count), { what: names.join() });
    await haveLines(['same', 'before', 'leaving'], 1);
    change(own, {
      routes: {
        same: file(path('out/same')),
        changing: file(path('out/after'), { where: 'data.current_balance < 0' }),
        coming: file(path('out/coming'), { shape: { pick: ['data.msg_id'] } }),
      },
    });
    const { stdout, code } = await cli(['reload', '--config', own.config]);
    const read = `read ${own.config}, last changed ${statSync(own.config).mtime.toISOString()}`;
    const changed = 'route coming: added\nroute changing: replaced\nroute leaving: removed';
    expect(stdout).toBe(`reloaded\n${changed}\n${read}\n`);
    expect(code).toBe(0);
    const [second] = await publishAsKazoo(broker.url, 1);
    await haveLines(['coming', 'after'], 1);
    await haveLines(['same'], 2);
    expect(own.lines('out/leaving')).toEqual([first]);
    expect(own.lines('out/before')).toEqual([first]);
    expect(own.lines('out/after')).toEqual([second]);
    expect(Object.keys(JSON.parse(readFileSync(path('out/coming'), 'utf8')))).toEqual(['id', 'data']);
    expect(daemon.stderr.split('"consuming"')).toHaveLength(2);
    expect((await reload(own)).routes).toEqual({
      added: [],
      replaced: [],
      removed: [],
      unchanged: ['same', 'changing', 'coming'],
    });
  });

  test('by a signal, of a file that is broken, changes nothing and says why, and so does the command', async () => {
    const own = await start((at) => ({ archive: file(at('out/archive')) }));
    const good = readFileSync(own.config, 'utf8');
    writeFileSync(own.config, `${good}\nretention: 3d\n`);
    own.daemon.process.kill('SIGHUP');
    await own.daemon.says(messages.notReloaded);
    await own.daemon.says('retention is not an option');
    const { stderr, code } = await cli(['reload', '--config', own.config]);
    expect(stderr).toMatch(/config\.yaml:\d+:1: retention is not an option/);
    expect(code).toBe(1);
    rmSync(own.config);
    own.daemon.process.kill('SIGHUP');
    await own.daemon.says("can't be read");
    const [id] = await publishAsKazoo(broker.url, 1);
    await until(() => own.lines('out/archive').length === 1, { what: 'it to arrive' });
    expect(own.lines('out/archive')).toEqual([id]);
    writeFileSync(own.config, good.replace('out/archive', 'out/other'));
    own.daemon.process.kill('SIGHUP');
    await own.daemon.says('"reloaded"');
  });

  test('without a daemon says so', async () => {
    const own = await start((at) => ({ archive: file(at('out/archive')) }));
    await own.daemon.end('SIGTERM');
    const { stderr, code } = await cli(['reload', '--config', own.config]);
    expect(stderr).toContain('no daemon runs on the journal in');
    expect(code).toBe(2);
  });

  test('waits for what a route that is replaced has in flight, and holds up no other', async () => {
    let release = (_status: number) => {};
    const held = new Promise<number>((resolve) => {
      release = resolve;
    });
    const receiver = await startReceiver((_, count) => (count === 1 ? held : 200));
    try {
      const hook = (more: object) => ({ sink: { type: 'webhook', url: receiver.url, ...more } });
      const own = await start((at) => ({ hook: hook({}), archive: file(at('out/archive')) }));
      await publishAsKazoo(broker.url, 1);
      await until(() => receiver.arrivals.length === 1, { what: 'the request' });
      const archive = file(own.path('out/archive'));
      change(own, { routes: { hook: hook({ method: 'PUT' }), archive, coming: file(own.path('out/coming')) } });
      const reloading = reload(own);
      await until(() => hasRoute(own, 'coming'), { what: 'the reload to begin' });
      await publishAsKazoo(broker.url, 1);
      await until(() => own.lines('out/archive').length === 2, { what: 'the other route to go on' });
      expect(receiver.arrivals).toHaveLength(1);
      release(200);
      expect((await reloading).routes).toMatchObject({ replaced: ['hook'], unchanged: ['archive'] });
      await until(() => receiver.arrivals.length === 2, { what: 'the second request' });
      expect(receiver.arrivals.map(({ method }) => method)).toEqual(['POST', 'PUT']);
    } finally {
      release(200);
      await receiver.close();
    }
  });

  test('that waits for something in flight does not keep the daemon from stopping', async () => {
    const receiver = await startReceiver(() => new Promise<number>(() => undefined));
    try {
      const sink = { type: 'webhook', url: receiver.url, timeout: { total: '5m' } };
      const hook = (more: object) => ({ timeout: '10m', sink: { ...sink, ...more } });
      const own = await start(() => ({ hook: hook({}) }), { shutdown: { timeout: '10m' } });
      change(own, { shutdown: { timeout: '100ms' } });
      expect(await reload(own)).toMatchObject({ applied: ['shutdown.timeout'] });
      await publishAsKazoo(broker.url, 1);
      await until(() => receiver.arrivals.length === 1, { what: 'the request' });
      change(own, { routes: { hook: hook({ method: 'PUT' }) } });
      own.daemon.process.kill('SIGHUP');
      expect(await own.daemon.end('SIGTERM')).toBe(0);
      expect(own.daemon.stderr).toContain('"stopped"');
    } finally {
      await receiver.close();
    }
  });

  test('makes links anew where intake has changed, judges by new schemas, keeps what is newly revealed', async () => {
    const own = await start((at) => ({ archive: file(at('out/archive')) }));
    await publishAsKazoo(broker.url, 1, { Password: 'geheim' });
    await until(() => own.lines('out/archive').length === 1, { what: 'the first' });
    const schemas = own.path('schemas');
    change(own, { intake: { prefetch: 50 }, memory: { buffers: '8MiB' }, validation: { schemas: [schemas] } });
    expect(await reload(own)).toMatchObject({ reloaded: false, reason: expect.stringContaining(schemas) });
    mkdirSync(schemas);
    writeFileSync(`${schemas}/low_balance.json`, '{"properties": {"current_balance": {"const": -2}}}');
    const routes = { archive: file(own.path('out/archive'), { invalid: 'deliver', reveal: ['password'] }) };
    change(own, { routes });
    const report = await reload(own);
    expect(report).toMatchObject({
      applied: ['intake.prefetch', 'memory.buffers', 'validation.schemas'],
      needs_restart: [],
      brokers: { replaced: [expect.stringContaining('zone west')] },
    });
    await publishAsKazoo(broker.url, 1, { Password: 'geheim' });
    await until(() => own.lines('out/archive').length === 2, { what: 'the second' });
    const lines = readFileSync(own.path('out/archive'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line)).map(({ valid, data }) => [valid, data.password])).toEqual([
      [true, '[redacted]'],
      [false, 'geheim'],
    ]);
  });

  test('names what needs a restart, each time, and leaves that as it is', async () => {
    const own = await start((at) => ({ archive: file(at('out/archive')) }));
    change(own, {
      queue: { maxLength: 5 },
      log: { format: 'pretty', level: 'warn' },
      journal: { path: own.journal, retention: '1d' },
    });
    expect(await reload(own)).toMatchObject({
      applied: ['journal.retention', 'log.level'],
      needs_restart: ['queue.maxLength', 'log.format'],
      brokers: { replaced: [] },
    });
    expect(await reload(own)).toMatchObject({ applied: [], needs_restart: ['queue.maxLength', 'log.format'] });
    await own.daemon.says('need a restart');
    const { stderr } = own.daemon;
    expect(stderr).toContain(`"from":"info","to":"warn","msg":"${messages.levelChanged}"`);
    expect(stderr.slice(stderr.indexOf(messages.levelChanged))).not.toContain('"level":"info"');
  });

  test('ten times under a thousand notifications a second loses nothing and delivers nothing twice', async () => {
    const own = await start((at) => ({ steady: file(at('out/steady')), coming: file(at('out/coming')) }));
    const routesOf = (odd: boolean) => ({
      steady: file(own.path('out/steady')),
      changing: file(own.path('out/changing'), odd ? { order: 'account', timeout: '30s' } : {}),
      ...(odd ? {} : { coming: file(own.path('out/coming')) }),
    });
    change(own, { routes: routesOf(false) });
    await reload(own);
    const publishing = publishSteadily(broker.url, 1_000);
    for (let turn = 1; turn <= 10; turn += 1) {
      change(own, { routes: routesOf(turn % 2 === 1) });
      own.daemon.process.kill('SIGHUP');
      await until(() => own.daemon.stderr.split('"reloaded"').length > turn + 1, { what: 'the reload' });
      const before = own.lines('out/steady').length;
      await until(() => own.lines('out/steady').length >= before + 200, { what: 'some of the flow' });
    }
    const published = await publishing.stop();
    for (const name of ['steady', 'changing', 'coming']) {
      await until(() => own.lines(`out/${name}`).length >= published.length, { what: `every line of ${name}` });
    }
    expect(await own.daemon.end('SIGTERM')).toBe(0);
    for (const name of ['steady', 'changing', 'coming']) {
      expect(own.lines(`out/${name}`).toSorted()).toEqual(published.toSorted());
    }
  });
});
