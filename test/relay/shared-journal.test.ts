import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { DaemonStatus, RouteStatus, Status } from '../../src/ops/status.ts';
import { cli, type Result } from '../support/cli.ts';
import { total } from '../support/http.ts';
import { publishAsKazoo } from '../support/kazoo.ts';
import { hostileQuery, hostileWords } from '../support/page-stage.ts';
import { type JournalRole, makeJournalRole, type SharedPostgres, sharePostgres } from '../support/postgresql.ts';
import { startProxy } from '../support/proxy.ts';
import { type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { type Receiver, type Reply, startReceiver } from '../support/receiver.ts';
import { type RelayHere, startRelayHere } from '../support/relay-here.ts';
import { until } from '../support/until.ts';

/*
 * Two daemons that share a journal, by a role that owns nothing else, and a third machine with the configuration alone: what
 * commands there see and change.
 */

const daemons = ['alpha', 'beta'] as const;
let folder: string;
let broker: SharedBroker;
let database: SharedPostgres;
let role: JournalRole;
let receiver: Receiver;
let running: Map<string, RelayHere>;
/** Of somebody who is logged in to the page. */
let session: string;
/** What the receiver answers to each path. */
let answers: Record<string, (body: { id: string }) => Reply>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-shared-journal-'));
  [broker, database] = await Promise.all([shareBroker(), sharePostgres()]);
  role = await makeJournalRole(database);
  await database.query(role.statement('CREATE SCHEMA'));
  answers = {};
  receiver = await startReceiver(({ path, body }) => answers[path]?.(JSON.parse(body)) ?? 200);
  running = new Map();
  for (const name of daemons) {
    const relay = await startRelayHere(configOf(name, { listen: '127.0.0.1:0' }));
    running.set(name, relay);
    await relay.says('consuming');
  }
});

afterAll(async () => {
  await Promise.all([...running.values()].map((relay) => relay.stop()));
  await role.drop();
  await Promise.all([receiver.close(), broker.close(), database.close()]);
  rmSync(folder, { recursive: true });
});

describe('of daemons that share a journal', () => {
  test('each notification is delivered once, whoever took it, and by those that may', async () => {
    await publish(40);
    const crm = () => receivedAt('/crm');
    await until(() => crm().length === 40 && receivedAt('/each').length === 40, { what: 'all deliveries' });
    await until(() => archived().length === 40, { what: 'the file' });
    expect([new Set(crm()).size, new Set(receivedAt('/each')).size, new Set(archived()).size]).toEqual([40, 40, 40]);
  });

  test('a machine without one sees all of them, and who has which route', async () => {
    // One each, of those that both may run.
    const isShared = async () => new Set([(await routeOf('crm')).holder, (await routeOf('slow')).holder]).size === 2;
    await until(async () => (await isShared()) && (await status()).routes.every(({ holder }) => holder !== null), {
      what: 'every route to be run, by both daemons',
    });
    const linksOf = ({ brokers = [] }: DaemonStatus) => brokers.map(({ zone, state }) => `${zone} ${state}`);
    await until(async () => (await status()).daemons.every((one) => linksOf(one).join() === 'west consuming'), {
      what: 'the links of both to be shown',
    });
    const { running: runs, daemons: seen, routes, former_routes } = await status();
    expect({ runs, former_routes }).toEqual({ runs: false, former_routes: [] });
    expect(seen.map(({ name, asked, lives }) => ({ name, asked, lives }))).toEqual(
      daemons.map((name) => ({ name, asked: false, lives: true })),
    );
    const [alpha, beta] = seen;
    expect([alpha?.configuration, alpha?.version]).toEqual([beta?.configuration, beta?.version]);
    const holders = Object.fromEntries(routes.map(({ name, holder }) => [name, holder]));
    expect(holders).toMatchObject({ archive: 'alpha', 'each@alpha': 'alpha', 'each@beta': 'beta' });
    expect(seen.flatMap((daemon: DaemonStatus) => daemon.routes).toSorted()).toEqual(
      routes.map(({ name }) => name).toSorted(),
    );
    const shown = await there(['status'], 80);
    expect(shown.stdout).toMatch(/^the daemon does not run here; all is well where others do\n/);
    expect(shown.stdout).toMatch(/\nalpha +running .* archive, /);
    expect(shown.stdout).toMatch(/\nalpha +west .*consuming.*\nbeta +west .*consuming/);
    expect(shown.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('a route is paused and resumed from any machine', async () => {
    expect((await there(['pause', 'crm'])).stdout).toContain('crm is paused');
    await Promise.any([...running.values()].map((relay) => relay.says('paused by an operator')));
    const before = receivedAt('/crm').length;
    await publish(3);
    await until(() => archived().length === 43, { what: 'other routes to go on' });
    expect(receivedAt('/crm')).toHaveLength(before);
    expect((await routeOf('crm')).paused).not.toBeNull();
    await there(['resume', 'crm']);
    await until(() => receivedAt('/crm').length === before + 3, { what: 'the route to go on' });
  });

  test('why tells on any machine what became of a notification, and which daemon took it', async () => {
    const [id = ''] = receivedAt('/crm');
    const [line = '{}'] = (await there(['why', id, '--json'])).stdout.split('\n');
    const fates: { route: string; state: string; reason: string }[] = JSON.parse(line).routes;
    const states = Object.fromEntries(fates.map(({ route, state }) => [route, state]));
    expect(states).toMatchObject({ crm: 'delivered', archive: 'delivered' });
    expect([states['each@alpha'], states['each@beta']].toSorted()).toEqual(['delivered', 'not_wanted']);
    const other = states['each@alpha'] === 'delivered' ? 'alpha' : 'beta';
    expect(fates.map(({ reason }) => reason)).toContain(`not wanted: the daemon ${other} took it`);
  });

  test('dead letters are listed, retried and dropped from any machine, and the audit has it', async () => {
    answers['/crm'] = () => 422;
    await publish(2);
    await until(async () => (await routeOf('crm')).dead === 2, { what: 'dead letters' });
    delete answers['/crm'];
    const list = (await there(['dead', 'list', '--json'])).stdout.trim().split('\n');
    const [first = '', second = ''] = list.map((line) => JSON.parse(line).id);
    expect((await there(['dead', 'retry', first])).stdout).toContain('1 notification will be delivered again');
    await until(async () => (await routeOf('crm')).dead === 1, { what: 'the retry' });
    await there(['dead', 'drop', second, '--yes']);
    expect((await routeOf('crm')).dead).toBe(0);
    const acts = (await there(['audit', '--json'])).stdout.trim().split('\n');
    expect(acts.map((line) => JSON.parse(line).act)).toEqual(['pause', 'resume', 'retry', 'drop']);
  });

  test('a sink that is away is probed at once by whoever has its route', async () => {
    const before = receivedAt('/slow').length;
    answers['/slow'] = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    await publish(1);
    await until(() => receivedAt('/slow').length > before, { what: 'a try' });
    delete answers['/slow'];
    await there(['waiting', 'retry', '--route', 'slow']);
    await until(() => receivedAt('/slow').length === before + 2, { what: 'the probe' });
    await until(async () => (await routeOf('slow')).lag?.messages === 0, { what: 'the delivery' });
  });

  test('history is replayed from any machine, and of each daemon’s own route only what that one took', async () => {
    const own = receivedAt('/each').length;
    const dry = await Promise.all(
      daemons.map((name) => there(['replay', '--route', `each@${name}`, ...all, '--dry-run'])),
    );
    const counts = dry.map(({ stdout }) => Number(/(\d+) notifications? would be delivered/.exec(stdout)?.[1]));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(own);
    const before = receivedAt('/crm').length;
    const { stdout } = await there(['replay', '--route', 'crm', ...all]);
    expect(stdout).toContain('all of them are delivered or dead');
    expect(receivedAt('/crm').length).toBeGreaterThan(before);
  });

  test('what came in is shown, and an account erased, from any machine', async () => {
    expect((await there(['tail', '--events', 'low_balance', '--limit', '1', '--json'])).stdout).toContain(
      '"event":"low_balance"',
    );
    expect((await there(['drift'])).code).toBe(0);
    expect((await there(['accept-clock'])).stdout).toContain('which is not in doubt');
    const account = '00112233445566778899aabbccddeeff';
    await publishAsKazoo(broker.url, 2, { 'Account-ID': account });
    await until(() => archived().length === 48, { what: 'them' });
    expect((await there(['erase', '--account', account, '--yes'])).stdout).toContain('2 notifications erased');
    expect((await there(['tail', '--accounts', account])).stdout).toBe('');
  });

  test('a login on one holds on all of them, its link is good on any once, and a logout ends it everywhere', async () => {
    session = await loginAt('alpha', await linkAt('beta'));
    for (const name of daemons) expect((await visit(name, '/audit', { session })).status).toBe(200);
    const other = await loginAt('beta', await linkAt('beta'));
    expect((await visit('alpha', '/audit', { session: other })).status).toBe(200);
    expect((await visit('beta', '/logout', { session: other, form: {} })).status).toBe(303);
    expect((await visit('alpha', '/audit', { session: other })).status).toBe(401);
    const link = await linkAt('alpha');
    const followed = await Promise.all(daemons.map((name) => visit(name, '/login', { form: { link } })));
    expect(followed.map(({ status }) => status).toSorted()).toEqual([303, 403]);
    const secrets = `${session} ${other} ${link}`.split(' ');
    const rows = JSON.stringify(await database.query('SELECT * FROM kazoo_relay.logins'));
    expect(rows).toContain('page link');
    for (const secret of secrets) expect(rows).not.toContain(secret);
  });

  test('the page of one opens the routes of the others, and what is done there reaches whoever runs them', async () => {
    const page = await visit('alpha', '/', { session });
    expect(rowOf('each@beta', page.body)).toMatch(/^each@beta webhook delivering /);
    expect(page.body.replaceAll(/<[^>]*>/g, ' ')).toMatch(/ alpha +west .* consuming .* beta +west .* consuming /s);
    const shown = async (name: string, route: string) => (await visit(name, `/routes/${route}`, { session })).body;
    expect(await shown('alpha', 'each%40beta')).toContain('The daemon beta runs it.');
    expect(await shown('beta', 'each%40beta')).not.toContain('runs it.');
    const act = (name: string, route: string, form: Record<string, string>) =>
      visit(name, `/routes/${route}/act`, { session, form });
    expect((await act('alpha', 'each%40beta', { act: 'pause' })).status).toBe(303);
    await running.get('beta')?.says('"route":"each@beta","by":"page link"');
    expect(await shown('alpha', 'each%40beta')).toMatch(/Paused for .* by page link.*>Resume</s);
    expect((await act('alpha', 'each%40beta', { act: 'resume' })).status).toBe(303);
    expect((await act('alpha', 'nowhere', { act: 'pause' })).status).toBe(404);
    expect((await act('alpha', 'each%40beta', { act: 'fly' })).status).toBe(400);
    expect((await status()).former_routes).toEqual([]);

    const form = { since: '2020-01-01' };
    const asked = await visit('alpha', '/routes/each%40beta/replay', { session, form });
    const dry = await there(['replay', '--route', 'each@beta', ...all, '--dry-run']);
    const [, count] = /(\d+) notifications? would be delivered/.exec(dry.stdout) ?? [];
    expect(asked.body).toContain(`Replay ${count} on each@beta?`);
    const begun = await visit('alpha', '/routes/each%40beta/replay', { session, form: { ...form, confirmed: 'yes' } });
    expect(begun.location).toMatch(/^\/acts\/\d+$/);
    const label = `${count} of ${count} due again`;
    await until(async () => (await visit('beta', begun.location, { session })).body.includes('Done.'), {
      what: 'its end',
    });
    expect((await visit('beta', begun.location, { session })).body).toContain(
      `<p>${label}</p><progress max="${count}"`,
    );
    expect(await shown('beta', 'each%40beta')).toContain(`<a href="${begun.location}">The latest</a>`);

    const before = receivedAt('/slow').length;
    answers['/slow'] = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    await publish(1);
    await until(() => receivedAt('/slow').length > before, { what: 'a try' });
    delete answers['/slow'];
    const other = (await routeOf('slow')).holder === 'alpha' ? 'beta' : 'alpha';
    const now = async (name: string) => (await visit(name, '/', { session })).body;
    await until(async () => /the sink of slow is away.*answered 503/s.test(await now(other)), {
      what: 'its state there',
    });
    expect(rowOf('slow', await now(other))).toMatch(/^slow webhook sink away /);
    expect(await shown(other, 'slow')).toMatch(
      /The sink is away since .*answered 503.*Next probe in 3\d{3} s.*>Probe now</s,
    );
    const { circuit } = await routeOf('slow');
    expect(circuit).toMatchObject({ state: 'open', code: 503, next_probe: expect.any(Number) });
    await act(other, 'slow', { act: 'probe' });
    await until(() => receivedAt('/slow').length === before + 2, { what: 'the probe' });
    await until(async () => rowOf('slow', await now(other)).startsWith('slow webhook delivering'), {
      what: 'its end there',
    });
  });

  test('hostile words in an address or a form are answered as what they are: nothing that there is', async () => {
    for (const word of hostileWords) {
      const pages = ['/failures/list', '/notifications'].map((path) => `${path}?${hostileQuery(word)}`);
      pages.push(`/notifications/${encodeURIComponent(word.toWellFormed())}`);
      for (const path of pages) expect([path, (await visit('alpha', path, { session })).status]).not.toContain(500);
      const form = { act: 'drop', choice: hostileQuery(word), event: word, body: word, since: word, until: word };
      for (const path of ['/failures/act', '/routes/crm/replay'])
        expect([path, word, (await visit('alpha', path, { session, form })).status]).not.toContain(500);
    }
  });

  test('another one of another configuration is told of, and one of the same name refused', async () => {
    await expect(startRelayHere(configOf('beta', { spool: 'second' }))).rejects.toThrow(
      'give each daemon a name of its own',
    );
    const other = await startRelayHere(configOf('delta', { zones: ['west'], listen: '127.0.0.1:0' }));
    running.set('delta', other);
    const told = async () => (await there(['status'])).stdout;
    await until(async () => /different routes or schemas in their\s+configurations/.test(await told()), { what: 'it' });
    expect((await visit('delta', '/routes/archive', { session })).body).toContain('alpha has other routes or schemas');
    await other.stop();
    await until(async () => /^the daemon does not run here; all is well/.test(await told()), { what: 'its end' });
  });

  test('one that stops lets go of its routes, which the other one takes', async () => {
    await running.get('beta')?.stop();
    await until(async () => (await routeOf('crm')).holder === 'alpha' && (await routeOf('slow')).holder === 'alpha', {
      what: 'the other one to take them',
    });
    const before = receivedAt('/crm').length;
    await publish(5);
    await until(() => receivedAt('/crm').length === before + 5, { what: 'all deliveries' });
    const { daemons: seen } = await status();
    expect(seen.map(({ name }) => name)).toEqual(['alpha']);
    expect((await there(['status'])).stdout).toMatch(/^the daemon does not run here; all is well where others do\n/);
  });

  test('a daemon that the database is away from keeps what comes in, says so, and brings it into the journal', async () => {
    const proxy = await startProxy(Number(new URL(role.url).port), 'anything');
    const file = configOf('epsilon', { port: proxy.port, listen: '127.0.0.1:0' });
    const here = async (): Promise<Status> => JSON.parse((await cli(['status', '--json', '--config', file])).stdout);
    const own = await startRelayHere(file);
    running.set('epsilon', own);
    await own.says('consuming');
    const page = async (path: string) => (await visit('epsilon', path)).body;
    // It was logged in on another one, before this one was there.
    expect((await visit('epsilon', '/audit', { session })).status).toBe(200);
    expect((await page('/')).replaceAll(/<[^>]*>/g, ' ')).toMatch(/Daemons .*alpha +running .*epsilon +here /s);
    proxy.freeze();
    const published = await publish(20);
    const degraded = await until(async () => (await here()).journal.degraded, { what: 'the state' });
    expect(degraded).toMatchObject({ spooled: expect.any(Number), reason: expect.any(String) });
    await until(async () => ((await here()).journal.degraded?.spooled ?? 0) > 0, { what: 'something to be kept' });
    const shown = (await cli(['status', '--config', file])).stdout;
    expect(shown).toMatch(/^the shared journal needs you\n/);
    expect(shown.replaceAll(/\s+/g, ' ')).toMatch(
      /the database of the journal is away since .*notifications? wait in journal\.spool/s,
    );
    const { code, stderr } = await cli(['status', '--check', 'ready', '--config', file]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("the journal's database is away")]);
    const metrics = await page('/metrics');
    const open = await visit('epsilon', '/', { session });
    expect([open.status, open.body]).toEqual([
      200,
      expect.stringMatching(/no login: the journal is away.*is away since /s),
    ]);
    const closed = [
      await visit('epsilon', '/audit', { session }),
      await visit('epsilon', '/routes/crm/act', { session, form: { act: 'pause' } }),
      await visit('epsilon', '/login', { form: { link: 'guessed' } }),
    ];
    for (const answer of closed)
      expect(answer).toMatchObject({ status: 503, body: expect.stringContaining('Nobody can be logged in now') });
    const noLink = await cli(['page', '--config', file]);
    expect([noLink.code, noLink.stderr]).toEqual([2, expect.stringContaining("the journal's server")]);
    expect(total(metrics, 'kazoo_relay_journal_degraded')).toBe(1);
    expect(total(metrics, 'kazoo_relay_journal_spooled')).toBeGreaterThan(0);
    proxy.thaw();
    await until(async () => (await here()).journal.degraded === null, { what: 'the database to be back' });
    await until(async () => (await visit('epsilon', '/audit', { session })).status === 200, { what: 'the session' });
    // What was in flight when its routes became another daemon's may come twice.
    const arrived = () => new Set(receiver.arrivals.map(({ path, body }) => `${path} ${JSON.parse(body).data.msg_id}`));
    await until(() => published.every((id) => arrived().has(`/crm ${id}`)), { what: 'all that was kept' });
    await own.stop();
    await proxy.close();
  });

  test('check looks at the database, and tries no sink that is another machine’s', async () => {
    const { stdout } = await there(['check', '--connect']);
    expect(stdout).toMatch(/ok {7}journal 127\.0\.0\.1:\d+\/\w+ \(kazoo_relay\) +PostgreSQL/);
    expect(stdout).toContain('not tried here: only the daemon alpha runs it');
  });
});

const all = ['--since', '2020-01-01'];

interface Changes {
  /** Of the database. */
  readonly port?: number;
  readonly listen?: string;
  readonly spool?: string;
  readonly zones?: readonly string[];
}

function configOf(name: string, { spool = name, zones = [], port, listen = 'off' }: Changes = {}): string {
  const file = join(folder, `${spool}.yaml`);
  const webhook = (path: string) => ({ type: 'webhook', url: `${receiver.url}${path}`, concurrency: 4 });
  const config = {
    name,
    brokers: [{ zone: 'west', url: broker.url }],
    queue: { consumers: 2 },
    journal: {
      url: port === undefined ? role.url : role.url.replace(/:\d+\//, `:${port}/`),
      spool: join(folder, spool, 'spool'),
    },
    http: { listen },
    routes: {
      crm: { zones, sink: webhook('/crm') },
      slow: { circuit: { failures: 1 }, sink: webhook('/slow') },
      each: { every: true, sink: webhook('/each') },
      archive: { host: 'alpha', sink: { type: 'file', path: join(folder, 'archive.ndjson') } },
    },
  };
  writeFileSync(file, stringify(config), { mode: 0o600 });
  return file;
}

/** A command on a machine where no daemon runs. */
function there(args: readonly string[], columns?: number): Promise<Result> {
  const config = configOf('gamma');
  return cli([...args, '--config', config], '', {}, columns === undefined ? {} : { columns });
}

async function status(): Promise<Status> {
  return JSON.parse((await there(['status', '--json'])).stdout);
}

async function routeOf(wanted: string): Promise<RouteStatus> {
  const route = (await status()).routes.find(({ name }) => name === wanted);
  if (route === undefined) throw new Error(`status has no route ${wanted}`);
  return route;
}

interface Visit {
  readonly session?: string;
  readonly form?: Record<string, string>;
}

/** Asks the page of a daemon, as a browser does. */
async function visit(name: string, path: string, { session: secret, form }: Visit = {}) {
  const said = await running.get(name)?.says('the HTTP port is open');
  const listen = /"listen":"([^"]+)","msg":"the HTTP port is open"/.exec(said ?? '')?.[1];
  const answer = await fetch(`http://${listen}${path}`, {
    redirect: 'manual',
    headers: secret === undefined ? {} : { cookie: `kazoo_relay_session=${secret}` },
    ...(form && { method: 'POST', body: new URLSearchParams(form) }),
  });
  return {
    status: answer.status,
    body: await answer.text(),
    location: answer.headers.get('location') ?? '',
    cookie: answer.headers.get('set-cookie') ?? '',
  };
}

/** The text of a table's row on a page. */
function rowOf(first: string, page: string): string {
  const rows = page.split('<tr').map((row) =>
    `<tr${row}`
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
  return rows.find((row) => row.startsWith(`${first} `)) ?? '';
}

async function linkAt(name: string): Promise<string> {
  const { stdout } = await cli(['page', '--config', join(folder, `${name}.yaml`)]);
  return /link=([\w-]{43})/.exec(stdout)?.[1] ?? '';
}

/** The session that a link begins. */
async function loginAt(name: string, link: string): Promise<string> {
  const { cookie } = await visit(name, '/login', { form: { link } });
  return /=([\w-]{43});/.exec(cookie)?.[1] ?? '';
}

function publish(count: number): Promise<string[]> {
  return publishAsKazoo(broker.url, count);
}

/** Ids, in the order of their arrival. */
function receivedAt(path: string): string[] {
  return receiver.arrivals.filter((one) => one.path === path).map(({ body }) => JSON.parse(body).id);
}

function archived(): string[] {
  try {
    const lines = readFileSync(join(folder, 'archive.ndjson'), 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line).id);
  } catch {
    return [];
  }
}
