import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { stringify } from 'yaml';
import { runCli } from '../../../src/cli/program.ts';
import { eventNamed } from '../../../src/kazoo/catalogue.ts';
import { normalise } from '../../../src/kazoo/normalise.ts';
import { cli, type Result } from '../../support/cli.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { openJournal, openJournalReader } from '../../support/journal.ts';
import { type NotificationParts, notification } from '../../support/notification.ts';
import { type Arrival, type Receiver, type Reply, startReceiver } from '../../support/receiver.ts';
import { type RelayHere, startRelayHere } from '../../support/relay-here.ts';
import { until } from '../../support/until.ts';

let folder: string;
let receiver: Receiver;
let reply: Reply | ((arrival: Arrival) => Reply | Promise<Reply>);
let daemon: RelayHere | undefined;
/** Only where the process matters. */
let killed: Daemon | undefined;

/** A time as it is printed. */
const time = '\\d{4}-\\d\\d-\\d\\dT\\S+';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-letters-'));
  mkdirSync(join(folder, 'schemas'));
  reply = 200;
  receiver = await startReceiver((arrival) => (typeof reply === 'function' ? reply(arrival) : reply));
  configure();
});

afterEach(async () => {
  await killed?.end('SIGKILL');
  await daemon?.stop();
  killed = undefined;
  daemon = undefined;
  await receiver.close();
  rmSync(folder, { recursive: true });
});

describe('dead letters', () => {
  test('are listed, grouped and shown with every try', async () => {
    const [first, second] = await deadLetters({ event: 'low_balance' }, { event: 'missed_call' });
    const { stdout } = await relay('dead', 'list');
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(stdout).toMatch(new RegExp(`${first} +dead +crm +low_balance .* 1 try +answered 422: no room`));
    expect((await relay('dead', 'list', '--event', 'missed_call', '--json')).stdout).toContain(`"id":"${second}"`);
    expect((await relay('dead', 'list', '--since', '1h')).stdout).not.toContain(first);
    const groups = await relay('dead', 'list', '--group', '--json');
    expect(JSON.parse(groups.stdout)).toMatchObject({ count: 2, route: 'crm', state: 'dead' });
    const shown = await relay('dead', 'show', first ?? '', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      envelope: { id: first, event: 'low_balance' },
      deliveries: [{ route: 'crm', state: 'dead', attempts: [{ outcome: 'dead', code: 422 }] }],
    });
    expect((await relay('dead', 'show', first ?? '')).stdout).toMatch(/crm: dead, answered 422.*\n.*422 +answered/);
    expect(await relay('dead', 'show', 'nobody')).toMatchObject({ code: 2, stderr: expect.stringContaining('has no') });
  });

  test('are told of by the daemon to a route that asks for that, and to no other; not those of that route', async () => {
    await fill([{}, {}]);
    reply = 422;
    const alerts = { events: ['relay_*'], sink: { type: 'webhook', url: `${receiver.url}/alerts` } };
    configure('crm', {}, {}, { alerts }, [{ event: 'topup', within: '100ms' }]);
    await start();
    const arrivals = () => receiver.arrivals.filter(({ path }) => path === '/alerts');
    await until(() => arrivals().length === 2, { what: 'the alerts' });
    const told = arrivals().map(({ body }) => JSON.parse(body));
    const [envelope, other] = told.toSorted((one, two) => (one.event < two.event ? -1 : 1));
    expect(other).toMatchObject({ event: 'relay_nothing_comes', data: { event: 'topup' } });
    expect(envelope).toMatchObject({ event: 'relay_dead_letters', category: 'relay', account_id: null, valid: true });
    expect(envelope.data).toMatchObject({ app_name: 'kazoo-relay', route: 'crm', sink: 'webhook', count: 2 });
    await until(async () => (await counts('alerts')).dead === 2, { what: 'the alerts to be refused' });
    expect(receiver.arrivals.filter(({ path }) => path !== '/alerts')).toHaveLength(2);
    const alert = await relay('tail', '--events', 'relay_d*', '--json');
    expect(JSON.parse(alert.stdout)).toMatchObject({ id: envelope.id, routing_key: 'relay.dead_letters' });
  });

  test('are delivered again while the daemon runs, by id', async () => {
    const [first] = await deadLetters({}, {});
    await start();
    reply = 200;
    expect((await relay('dead', 'retry', first ?? '')).stdout).toContain('1 notification will be delivered again');
    await until(async () => (await counts()).dead === 1 && (await counts()).waiting === 0, { what: 'the delivery' });
    expect(idOf(receiver.arrivals.at(-1)?.body)).toBe(first);
  });

  test('are delivered again at the next start where no daemon runs, by route and event', async () => {
    const [, second] = await deadLetters({ event: 'low_balance' }, { event: 'missed_call' });
    reply = 200;
    const retried = await relay('dead', 'retry', '--route', 'crm', '--event', 'missed_call');
    expect(retried.stdout).toContain('1 notification will be delivered again');
    await start();
    await until(async () => (await counts()).dead === 1 && (await counts()).waiting === 0, { what: 'the delivery' });
    expect(idOf(receiver.arrivals.at(-1)?.body)).toBe(second);
  });

  test('show on a terminal how many are done', async () => {
    await deadLetters({ event: 'low_balance' }, { event: 'missed_call' });
    const stderr = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true });
    const context = { stdin: Readable.from([]), stdout: new PassThrough(), stderr, env: process.env };
    await runCli(['dead', 'retry', '--all', '--config', join(folder, 'config.yaml')], context);
    expect(stderr.read()).toBe(`\r[${'#'.repeat(40)}] 2/2\n`);
  });

  test('have all their tries again, and keep those that they had', async () => {
    const [id] = await deadLetters({});
    await relay('dead', 'retry', '--all');
    await start();
    await until(async () => (await counts()).dead === 1, { what: 'the second death' });
    const { stdout } = await relay('dead', 'show', id ?? '', '--json');
    expect(JSON.parse(stdout).deliveries[0].attempts.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'dead',
      'restart',
      'dead',
    ]);
  });

  test('are dropped only when somebody has said so', async () => {
    await deadLetters({}, {});
    expect(await relay('dead', 'drop', '--all')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await relay('dead', 'drop')).toMatchObject({ code: 2, stderr: expect.stringContaining('say which') });
    expect((await relay('dead', 'drop', '--all', '--yes')).stdout).toContain('2 notifications dropped');
    expect(await relay('dead', 'list')).toMatchObject({ stdout: '', stderr: 'nothing is dead or quarantined\n' });
  });

  test('are not sought by a route, an event or an id that there is nowhere', async () => {
    const [id = ''] = await deadLetters({ event: 'house_alarm' });
    for (const command of [['list'], ['list', '--group'], ['retry'], ['drop', '--yes']]) {
      const byRoute = await relay('dead', ...command, '--route', 'cmr');
      expect(byRoute).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('did you mean crm?') });
      const byEvent = await relay('dead', ...command, '--event', 'low_balnce');
      expect(byEvent).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('did you mean low_balance?'),
      });
    }
    for (const command of [['retry'], ['drop', '--yes']]) {
      const byId = await relay('dead', ...command, id, 'abc');
      expect(byId).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('has no notification "abc"') });
    }
    // An event that only the journal knows, and an alias of one that has nothing.
    expect((await relay('dead', 'list', '--event', 'house_alarm')).stdout).toContain(id);
    expect(await relay('dead', 'list', '--event', 'top_up')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'of these, nothing is dead or quarantined\n',
    });
  });
});

describe('what is not dead', () => {
  test('is named with the reason, where it was chosen by its id', async () => {
    const [delivered = ''] = await fill([{}]);
    await start();
    await until(async () => (await counts()).cursor === 1, { what: 'the delivery' });
    await daemon?.stop();
    reply = 503;
    const [waiting = ''] = await fill([{}]);
    await start();
    await until(async () => (await counts()).waiting === 1, { what: 'the first try' });
    await daemon?.stop();
    const [coming = ''] = await fill([{}]);
    for (const command of [['retry'], ['drop', '--yes']]) {
      const { stdout, code } = await relay('dead', ...command, delivered, waiting, coming);
      const isNot = 'it is not dead or quarantined: crm:';
      const inOneTry = `delivered ${time}, answered 200, after 1 try`;
      expect(stdout).toMatch(new RegExp(`${delivered}: ${isNot} ${inOneTry}\n`));
      expect(stdout).toMatch(new RegExp(`${waiting}: ${isNot} waiting, next try ${time} after 1 try: answered 503`));
      expect(stdout).toContain(`${coming}: ${isNot} not delivered yet; the daemon does not run\n`);
      expect(stdout).toContain(command[0] === 'retry' ? '0 notifications will be delivered' : 'nothing was dropped');
      expect(code).toBe(0);
    }
  });

  test('is told apart from what is dead and was not meant', async () => {
    const [id = ''] = await deadLetters({ event: 'low_balance' });
    const { stdout } = await relay('dead', 'retry', id, '--event', 'missed_call');
    expect(stdout).toContain(`${id}: it is not of that event or time\n`);
    const problems = [{ path: '', message: 'the body is not JSON', keyword: 'json' }];
    const undecodable = { state: 'undecodable', event: null, json: 'null', raw: Buffer.from('{'), problems } as const;
    const [broken = ''] = await fill([undecodable]);
    const ofRoute = await relay('dead', 'drop', '--yes', broken, '--route', 'crm');
    expect(ofRoute.stdout).toContain(`${broken}: it could not be decoded, so no route has it\nnothing was dropped\n`);
  });
});

describe('deliveries that wait for their next try', () => {
  test('are listed with the time of it, grouped and shown with every try', async () => {
    const [first = '', second = ''] = await waiting({ event: 'low_balance' }, { event: 'missed_call' });
    const { stdout } = await relay('waiting', 'list');
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(stdout).toMatch(new RegExp(`${first} +${time} +crm +low_balance .* 1 try +answered 500: busy`));
    const listed = JSON.parse((await relay('waiting', 'list', '--event', 'missed_call', '--json')).stdout);
    expect(listed).toMatchObject({ id: second, route: 'crm', state: 'waiting', attempts: [{ code: 500 }] });
    expect(Date.parse(listed.due_at)).toBeGreaterThan(Date.now());
    const groups = await relay('waiting', 'list', '--group');
    expect(groups.stdout).toMatch(new RegExp(`ROUTE +NEXT TRY +FIRST.*\n +2 +crm +${time} .*answered 500`));
    expect((await relay('waiting', 'show', first)).stdout).toMatch(/crm: waiting, due 2.*\n.*500 +answered/);
    expect((await relay('dead', 'list')).stdout).toBe('');
  });

  test('are not taken for delivered on a route that has not come to them yet', async () => {
    const [first = ''] = await waiting({});
    await daemon?.stop();
    const [late = ''] = await fill([{}]);
    expect((await relay('waiting', 'show', late)).stdout).toMatch(
      /\n\ncrm +not delivered yet; the daemon does not run\n$/,
    );
    const asJson = async (id: string) => JSON.parse((await relay('waiting', 'show', id, '--json')).stdout);
    expect(await asJson(late)).toMatchObject({ deliveries: [], still_to_come: ['crm'] });
    expect((await relay('waiting', 'show', first)).stdout).not.toContain('not delivered');
    expect(await asJson(first)).toMatchObject({ deliveries: [{ route: 'crm' }], still_to_come: [] });
    await start();
    reply = 200;
    await relay('waiting', 'retry', '--all');
    const isDelivered = new RegExp(`\n\ncrm +delivered ${time}, answered 200, after 1 try\n$`);
    await until(async () => isDelivered.test((await relay('dead', 'show', late)).stdout), { what: 'both deliveries' });
  });

  test('have no time of their own behind an earlier one of their account', async () => {
    configure('crm', { order: 'account' });
    const [, second = ''] = await waiting({}, {});
    expect((await relay('waiting', 'list')).stdout).toMatch(new RegExp(`${second} +- +crm`));
    expect((await relay('waiting', 'retry', second)).stdout).toMatch(
      /^0 notifications due now\n1 notification not retried: behind an earlier one of the same account/,
    );
  });

  test('go out at once when they are made due, by id or all', async () => {
    const [, second = ''] = await waiting({}, {});
    reply = 200;
    expect((await relay('waiting', 'retry', second)).stdout).toBe('1 notification due now\n');
    await until(async () => (await counts()).waiting === 1, { what: 'the delivery' });
    expect(idOf(receiver.arrivals.at(-1)?.body)).toBe(second);
    expect((await relay('waiting', 'retry', '--all')).stdout).toBe('1 notification due now\n');
    await until(async () => (await counts()).waiting === 0, { what: 'the other delivery' });
    expect(receiver.arrivals).toHaveLength(4);
  });

  test.each(['waiting', 'dead'])('need not wait for the next probe of a sink that is away: %s retry', async (kind) => {
    await fill([{}, {}]);
    reply = 410;
    await start();
    await daemon?.says('sink unavailable');
    reply = 200;
    const { stdout } = await relay(kind, 'retry', '--route', 'crm');
    expect(stdout).toMatch(/^of these, nothing .*\nthe sink of crm is away: it is tried now\n$/);
    await until(async () => (await counts()).cursor === 2, { what: 'all to be delivered' });
    expect((await relay(kind, 'retry', '--all')).stdout).not.toContain('away');
  });

  test('are dropped only when somebody has said so, and are not tried any more', async () => {
    const [first = '', second] = await waiting({ event: 'low_balance' }, {});
    expect(await relay('waiting', 'drop', '--all')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    });
    expect(await relay('waiting', 'drop')).toMatchObject({ code: 2, stderr: expect.stringContaining('say which') });
    expect((await relay('waiting', 'drop', first, '--yes')).stdout).toBe('1 notification dropped\n');
    reply = 200;
    await relay('waiting', 'retry', '--all');
    await until(async () => (await counts()).waiting === 0, { what: 'the delivery of the other' });
    expect(receiver.arrivals.slice(2).map(({ body }) => idOf(body))).toEqual([second]);
    expect(await relay('waiting', 'list')).toMatchObject({ stdout: '', stderr: 'nothing waits for its next try\n' });
    expect(await relay('waiting', 'list', '--event', 'low_balance')).toMatchObject({
      stdout: '',
      stderr: 'of these, nothing waits for its next try\n',
    });
    expect(await relay('waiting', 'show', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"kazoo-relay waiting list" shows the ids'),
    });
  });

  test('stay dropped where the daemon is killed right then, while an earlier one is still on its way', async () => {
    configure('crm', { sink: { type: 'webhook', url: receiver.url, concurrency: 2 } });
    const [first, second = ''] = await fill([{}, {}]);
    const never = new Promise<Reply>(() => undefined);
    reply = ({ body }) => (idOf(body) === first ? never : 500);
    killed = startDaemon(join(folder, 'config.yaml'));
    await until(async () => (await counts()).waiting === 1, { what: 'the second to wait', interval: 5 });
    // It can't get on between this and its end: the cursor stays where it is, before both.
    killed.process.kill('SIGSTOP');
    expect((await relay('waiting', 'drop', second, '--yes')).stdout).toBe('1 notification dropped\n');
    await killed.end('SIGKILL');
    reply = 200;
    await start();
    await until(async () => (await counts()).cursor === 2 && receiver.arrivals.length > 2, { what: 'the first' });
    expect(receiver.arrivals.slice(2).map(({ body }) => idOf(body))).toEqual([first]);
  });

  test('are told apart by id from what is dead, and from what was dropped', async () => {
    const [dead = ''] = await deadLetters({});
    const { stdout } = await relay('waiting', 'retry', dead);
    expect(stdout).toMatch(
      new RegExp(
        `^0 notifications due now\n${dead}: it does not wait for its next try: crm: dead ${time} after 1 try: answered`,
      ),
    );
    await relay('dead', 'drop', '--all', '--yes');
    expect((await relay('waiting', 'drop', dead, '--yes')).stdout).toMatch(
      new RegExp(`${dead}: it does not wait for its next try: crm: dropped ${time} by \\S+\nnothing was dropped\n`),
    );
  });

  test('are left behind, with all that it has not come to, by a route that gets another name and starts now', async () => {
    const [id = ''] = await fill([{}, {}, {}, {}]);
    reply = 503;
    await start();
    await until(() => receiver.arrivals.length > 2, { what: 'the receiver to be away' });
    configure('crm2', { start: 'now' });
    expect((await relay('reload')).stdout).toMatch(/^reloaded\n(?=.*route crm: removed)(?=.*route crm2: added)/s);
    expect(await counts()).toMatchObject({ lag: { messages: 3 }, waiting: 1 });
    expect((await relay('waiting', 'retry', '--all')).stdout).toContain(
      'not retried: the configuration has no route crm;',
    );
    expect((await relay('waiting', 'drop', '--route', 'crm', '--yes')).stdout).toBe('1 notification dropped\n');
    expect(await counts('crm2')).toMatchObject({ cursor: 4, waiting: 0 });
    reply = 200;
    const before = receiver.arrivals.length;
    await relay('replay', '--route', 'crm2', id);
    expect(receiver.arrivals.slice(before).map(({ body }) => idOf(body))).toEqual([id]);
  });
});

describe('why', () => {
  test('says of a route that runs what holds it up', async () => {
    reply = 410;
    const [id = ''] = await fill([{}]);
    await start();
    await daemon?.says('sink unavailable');
    const held = /\n {2}crm {2}not delivered yet; the sink is away, next probe in \d+ s: http.* says "gone" \(410\)/;
    await until(async () => held.test((await relay('why', id)).stdout), { what: 'the reason' });
    await relay('pause', 'crm');
    const paused = '\n  crm  not delivered yet; the route is paused: kazoo-relay resume crm\n';
    await until(async () => (await relay('why', id)).stdout.endsWith(paused), { what: 'the pause' });
  });
});

describe('where there is nothing', () => {
  test.each([
    ['dead', 'nothing is dead or quarantined\n'],
    ['waiting', 'nothing waits for its next try\n'],
  ])('list, retry and drop of %s say so in the same words', async (name, none) => {
    await fill([{}]);
    expect(await relay(name, 'list')).toEqual({ stdout: '', stderr: none, code: 0 });
    for (const [chosen, said] of [
      ['--all', none],
      ['--route=crm', `of these, ${none}`],
    ] as const) {
      expect(await relay(name, 'retry', chosen)).toEqual({ stdout: said, stderr: '', code: 0 });
      // Nobody needs to be asked.
      expect(await relay(name, 'drop', chosen)).toEqual({ stdout: said, stderr: '', code: 0 });
    }
  });
});

describe('quarantine', () => {
  test('is left when the schema has been mended, and not before', async () => {
    const problems = [{ path: '/current_balance', message: 'must be number', keyword: 'type' }];
    const json = JSON.stringify({ event_name: 'low_balance', current_balance: 'much' });
    await fill([{ state: 'invalid', problems, json }]);
    await start();
    await until(async () => (await counts()).quarantined === 1, { what: 'the quarantine' });
    const before = await relay('dead', 'retry', '--all');
    expect(before.stdout).toMatch(
      /0 notifications will be.*\n1 notification not retried: invalid: .*; to deliver it, correct the schema, accept the problem/,
    );
    writeFileSync(join(folder, 'schemas', 'low_balance.json'), '{"type":"object"}');
    expect((await relay('dead', 'retry', '--all')).stdout).toContain('1 notification will be delivered again');
    await until(() => receiver.arrivals.length === 1, { what: 'the delivery' });
    expect(JSON.parse(receiver.arrivals[0]?.body ?? '')).toMatchObject({ valid: true, problems: [] });
  });

  test('is left once its problem is accepted and the daemon has loaded that, and drift says what to accept', async () => {
    const path = '/voicemail_transcription';
    const problems = [{ path, message: 'must be object', keyword: 'type' }];
    const { data } = normalise(eventNamed('voicemail_new')?.example ?? {});
    const json = JSON.stringify({ ...data, voicemail_transcription: 7 });
    const invalid = { state: 'invalid', problems, unknownFields: ['/mood'], json } as const;
    const [id] = await fill([{ event: 'voicemail_new', receivedAt: Date.now() - 60_000, ...invalid }]);
    await start();
    await until(async () => (await counts()).quarantined === 1, { what: 'the quarantine' });
    const drift = await relay('drift');
    const line = (...parts: string[]) => new RegExp(`^voicemail_new +${parts.join(' +')} +1 +${time} +${id}$`, 'm');
    expect(drift.stdout).toMatch(line(path, 'type'));
    expect(drift.stdout).toMatch(line('/mood', 'unknown field'));
    configure('crm', {}, { voicemail_new: [path] });
    expect((await relay('reload')).stdout).toContain('validation.accept');
    expect((await relay('dead', 'retry', '--all')).stdout).toContain('1 notification will be delivered again');
    await until(() => receiver.arrivals.length === 1, { what: 'the delivery' });
    expect(JSON.parse(receiver.arrivals[0]?.body ?? '')).toMatchObject({ id, valid: true, problems: [] });
    const left = await relay('drift');
    expect(left).toMatchObject({ code: 0, stderr: 'validation.accept accepts 1 kind more: --all shows all\n' });
    expect(left.stdout).not.toMatch(line(path, 'type'));
    expect((await relay('drift', '--all')).stdout).toMatch(line(path, 'type \\(accepted\\)'));
    const narrow = await relay('drift', '--json', '--events', 'voicemail_*', '--since', '2001-01-01');
    expect(JSON.parse(narrow.stdout)).toMatchObject({ event: 'voicemail_new', path: '/mood', count: 1, example: id });
    for (const none of [
      ['--events', 'register'],
      ['--since', '30s'],
    ])
      expect((await relay('drift', ...none)).stdout).toBe('');
  });

  test('holds what could not be decoded, which no retry can mend', async () => {
    const problems = [{ path: '', message: 'the body is not JSON', keyword: 'json' }];
    await fill([{ state: 'undecodable', event: null, json: 'null', raw: Buffer.from('{'), problems }]);
    expect((await relay('dead', 'list')).stdout).toMatch(/undecodable.*the body is not JSON/);
    expect((await relay('dead', 'retry', '--all')).stdout).toContain(
      '1 notification not retried: it could not be decoded',
    );
    expect((await relay('dead', 'drop', '--all', '--yes')).stdout).toContain('1 notification dropped');
  });
});

describe('replay', () => {
  const settled = 'all of them are delivered or dead; the dead ones: kazoo-relay dead list --route crm';
  const times = [1_000, 2_000, 3_000, 4_000].map((second) => Date.UTC(2026, 10, 24) + second);

  test('delivers a span again, that and nothing else', async () => {
    const ids = await fill(times.map((receivedAt, index) => ({ receivedAt, accountId: index === 2 ? 'b' : 'a' })));
    await start();
    await until(() => receiver.arrivals.length === 4, { what: 'the first deliveries' });
    await until(async () => (await counts()).cursor === 4, { what: 'the cursor' });
    const some = ['--route', 'crm', '--since', '2026-11-24T00:00:02Z', '--until', '2026-11-24T00:00:04Z'];
    const dry = await relay('replay', ...some, '--accounts', 'a', '--dry-run');
    expect(dry.stdout).toContain('2 notifications would be delivered again');
    expect(dry.stdout).toContain(ids[1]);
    const done = await relay('replay', ...some, '--accounts', 'a');
    expect(done.stdout).toContain(settled);
    expect(done.stderr).toBe('waiting until all of them are delivered or dead; Ctrl-C ends only the waiting\n');
    expect(receiver.arrivals.slice(4).map(({ body }) => idOf(body))).toEqual([ids[1], ids[3]]);
    expect(await counts()).toMatchObject({ waiting: 0, dead: 0 });
  });

  test('waits for a receiver that is away, but for no daemon that has ended', async () => {
    const [id = ''] = await fill([{}]);
    await start();
    await until(async () => (await counts()).cursor === 1 && receiver.arrivals.length === 1, { what: 'the delivery' });
    reply = 500;
    const replaying = relay('replay', '--route', 'crm', id);
    await until(() => receiver.arrivals.length === 2, { what: 'the delivery again' });
    await daemon?.stop();
    expect(await replaying).toMatchObject({
      code: 0,
      stdout:
        '1 notification will be delivered again by crm\n' +
        'the daemon is not running any more: the others go out when it is started\n',
    });
  });

  test('waits for no next probe of a receiver that was away', async () => {
    const [first = '', second = ''] = await fill([{}, {}]);
    await start();
    await until(async () => (await counts()).cursor === 2, { what: 'the deliveries' });
    reply = 410;
    const waits = relay('replay', '--route', 'crm', first);
    await daemon?.says('sink unavailable');
    reply = 200;
    const { stdout } = await relay('replay', '--route', 'crm', second);
    expect(stdout).toContain(`the sink of crm is away: it is tried now\n${settled}`);
    expect((await waits).stdout).toContain(settled);
  });

  test('waits for the next start where no daemon runs', async () => {
    const ids = await fill([{}, {}]);
    await start();
    await until(async () => (await counts()).cursor === 2, { what: 'the cursor' });
    await daemon?.stop();
    const done = await relay('replay', '--route', 'crm', '--since', '2001-01-01');
    expect(done.stdout).toContain('the daemon is not running: they go out when it is started');
    await start();
    await until(() => receiver.arrivals.length === 4, { what: 'the second deliveries' });
    expect(
      receiver.arrivals
        .slice(2)
        .map(({ body }) => idOf(body))
        .toSorted(),
    ).toEqual(ids.toSorted());
  });

  test('delivers single ones again, and says which it leaves and why', async () => {
    const parts = [{}, {}, { event: 'missed_call' }, { preview: true }];
    const [first = '', second = '', third = '', preview = ''] = await fill(parts);
    await start();
    await until(async () => (await counts()).cursor === 4, { what: 'the cursor' });
    const chosen = [second, preview, first, second];
    const dry = await relay('replay', '--route', 'crm', ...chosen, '--dry-run', '--json');
    expect(dry.stdout.trim().split('\n').map(idOf)).toEqual([second, first]);
    const why = 'crm does not want it: it is a preview (previews: skip)';
    expect(dry.stderr).toBe(`${preview} left out: ${why}\n`);
    const done = await relay('replay', '--route', 'crm', ...chosen);
    expect(done.stdout).toBe(
      `2 notifications will be delivered again by crm\n${preview} left out: ${why}\n${settled}\n`,
    );
    expect(
      receiver.arrivals
        .slice(3)
        .map(({ body }) => idOf(body))
        .toSorted(),
    ).toEqual([first, second].toSorted());

    await daemon?.stop();
    const [late = ''] = await fill([{}]);
    expect((await relay('replay', '--route', 'crm', third)).stdout).toContain('the daemon is not running');
    expect((await relay('replay', '--route', 'crm', third, late)).stdout).toBe(
      '0 notifications will be delivered again by crm\n' +
        `${third} left out: it waits for its next attempt already\n` +
        `${late} left out: crm has not reached it yet, and will deliver it anyway\n`,
    );
  });

  test('says how many of a span it leaves because the route delivers them anyway', async () => {
    const [first = '', second = ''] = await waiting({}, { event: 'missed_call' });
    await relay('waiting', 'drop', first, '--yes');
    await daemon?.stop();
    await fill([{}, { event: 'missed_call' }, { preview: true }]);
    const span = ['replay', '--route', 'crm', '--since', '2001-01-01'];
    const left =
      '1 notification left out: it waits for its next attempt already\n' +
      '2 notifications left out: crm has not reached it yet, and will deliver it anyway\n';
    expect((await relay(...span, '--dry-run')).stdout).toMatch(
      new RegExp(`^ID .*\n${first} .*\n1 notification would .*\n${left}$`),
    );
    const json = await relay(...span, '--events', 'missed_call', '--dry-run', '--json');
    expect(json).toEqual({ code: 0, stdout: '', stderr: left.replace('2 notifications', '1 notification') });
    expect((await relay(...span)).stdout).toBe(
      `1 notification will be delivered again by crm\n${left}the daemon is not running: they go out when it is started\n`,
    );
    expect((await relay('waiting', 'list')).stdout).toMatch(new RegExp(`${second} .*\n${first} `));
  });

  test('tells what was dropped from what is still to come, where a crash has left the cursor before both', async () => {
    const [dropped = '', kept = ''] = await waiting({}, {});
    await daemon?.stop();
    const database = new DatabaseSync(join(folder, 'journal', 'journal.sqlite'));
    database.exec('UPDATE routes SET cursor = 0');
    database.close();
    await relay('waiting', 'drop', dropped, '--yes');
    const [late = ''] = await fill([{}]);
    const retried = await relay('waiting', 'retry', dropped, kept, late);
    const isNot = 'it does not wait for its next try: crm:';
    expect(retried.stdout).toContain(`${dropped}: ${isNot} dropped`);
    expect(retried.stdout).toContain(
      `${late}: ${isNot} not delivered yet, 2 notifications are before it; the daemon does`,
    );
    const dry = await relay('replay', '--route', 'crm', '--since', '2001-01-01', '--dry-run', '--json');
    expect(dry.stdout.trim().split('\n').map(idOf)).toEqual([dropped]);
    expect(dry.stderr).toContain('1 notification left out: crm has not reached it yet, and will deliver it anyway\n');
    expect((await relay('replay', '--route', 'crm', dropped, late)).stdout).toContain(
      `1 notification will be delivered again by crm\n${late} left out: crm has not reached it yet`,
    );
    reply = 200;
    await start();
    await until(async () => (await counts()).cursor === 3 && (await counts()).waiting === 0, { what: 'all of them' });
    expect(new Set(receiver.arrivals.slice(2).map(({ body }) => idOf(body)))).toEqual(new Set([dropped, kept, late]));
  });

  test('takes ids or a span, and no id that there isn’t', async () => {
    const [id = ''] = await fill([{}]);
    await start();
    await until(async () => (await counts()).cursor === 1, { what: 'the cursor' });
    const wrong: [string[], string][] = [
      [[], 'say what to deliver again: ids, or --since'],
      [[id, '--since', '1h'], '--since is for a span'],
      [[id, '--events', '*'], '--events is for a span'],
      [[id, 'abc'], 'has no notification "abc"; "kazoo-relay tail --json" shows the ids'],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await relay('replay', '--route', 'crm', ...args);
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
    }
    expect(receiver.arrivals).toHaveLength(1);
  });

  test('knows no route that the configuration or the journal doesn’t know', async () => {
    await fill([{}]);
    const wrong = await relay('replay', '--route', 'cmr', '--since', '1h');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean crm?') });
    const early = await relay('replay', '--route', 'crm', '--since', '1h');
    expect(early).toMatchObject({ code: 2, stderr: expect.stringContaining("doesn't know the route crm yet") });
  });

  test('knows no event that there is nowhere', async () => {
    await fill([{}]);
    await start();
    await until(async () => (await counts()).cursor === 1, { what: 'the cursor' });
    const wrong = await relay('replay', '--route', 'crm', '--since', '2001-01-01', '--events', 'low_balnce');
    expect(wrong).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('did you mean low_balance?') });
  });
});

describe('pause and resume', () => {
  test('keep a route from delivering, with a daemon or without one, and say so wherever it matters', async () => {
    const [first = ''] = await deadLetters({});
    reply = 200;
    expect(await relay('pause', 'cmr')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean crm?'),
    });
    expect(await relay('pause', 'crm')).toEqual({
      stdout: 'crm is paused: no attempt starts; "kazoo-relay resume crm" ends it\n',
      stderr: '',
      code: 0,
    });
    await start();
    const notice = 'crm is paused: they go out after "kazoo-relay resume crm"\n';
    expect((await relay('dead', 'retry', first)).stdout).toBe(`1 notification will be delivered again\n${notice}`);
    await relay('dead', 'drop', first, '--yes');
    expect((await relay('replay', '--route', 'crm', first)).stdout).toContain('it waits for its next attempt already');
    await relay('waiting', 'drop', first, '--yes');
    // It would wait for ever.
    expect((await relay('replay', '--route', 'crm', first)).stdout).toMatch(
      new RegExp(`^1 notification will be delivered again by crm\n${notice}$`),
    );
    expect((await relay('pause', 'crm')).stdout).toMatch(/^crm was paused already;/);
    const { stdout } = await relay('status');
    expect(stdout).toMatch(/^crm +webhook .* paused$/m);
    expect(stdout).toMatch(/^crm is paused for \d+ s, by \S+\. To go on: kazoo-relay resume crm$/m);
    const { routes } = JSON.parse((await relay('status', '--json')).stdout);
    expect(routes[0].paused).toEqual({ since: expect.stringMatching(/Z$/), by: expect.any(String) });
    expect(receiver.arrivals).toHaveLength(1);
    expect((await relay('resume', 'crm')).stdout).toBe('crm is resumed\n');
    await until(() => receiver.arrivals.length === 2, { what: 'the delivery' });
    expect((await relay('resume', 'crm')).stdout).toBe('crm is not paused\n');
  });

  test('outlast a reload that replaces the route, and its leaving the configuration', async () => {
    await fill([{}]);
    await start();
    await until(() => receiver.arrivals.length === 1, { what: 'the delivery' });
    await relay('pause', 'crm');
    configure('crm', { timeout: '7s' });
    await relay('reload');
    expect(JSON.parse((await relay('status', '--json')).stdout).routes[0].paused).not.toBeNull();
    configure('crm2');
    await relay('reload');
    expect((await relay('resume', 'crm')).stdout).toBe('crm is resumed\n');
  });
});

describe('audit', () => {
  test('has each act of an operator: when, who, from where, how many, and of what', async () => {
    expect(await relay('audit')).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no journal') });
    const [first = ''] = await deadLetters({ event: 'low_balance' }, { event: 'missed_call' });
    expect(await relay('audit')).toEqual({
      stdout: '',
      stderr: 'no operator has done anything yet\n',
      code: 0,
    });
    const env = { SUDO_USER: 'ann', SSH_CONNECTION: '10.0.0.7 50000 10.0.0.1 22' };
    const as = (...args: string[]) => cli([...args, '--config', join(folder, 'config.yaml')], '', env);
    await as('dead', 'retry', '--event', 'missed_call');
    await as('dead', 'drop', first, '--yes');
    await as('pause', 'crm');
    const lines = (await relay('audit', '--json')).stdout.trim().split('\n');
    const from = expect.stringMatching(/, by SSH from 10\.0\.0\.7$/);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { act: 'retry', who: 'ann', from, count: 1, selection: { event: 'missed_call' } },
      { act: 'drop', who: 'ann', from, count: 1, selection: { ids: [first] } },
      { act: 'pause', who: 'ann', from, count: 1, selection: { route: 'crm' } },
    ]);
    const { stdout } = await relay('audit', '--since', 'today', '--limit', '2');
    expect(stdout).toMatch(
      new RegExp(`^WHEN +WHO .*\n${time} +ann .* drop +1 .*${first}\n${time} +ann .* pause +1 +crm\n$`),
    );
  });

  test('has a probe that an operator has asked for', async () => {
    await fill([{}]);
    reply = 410;
    await start();
    await daemon?.says('sink unavailable');
    await relay('waiting', 'retry', '--route', 'crm');
    expect((await relay('audit')).stdout).toMatch(/ probe +1 +crm, waiting\n$/);
  });
});

/** What an operator looks for first isn't left out. */
const headsAt80: Record<string, string[]> = {
  'dead list': ['ID', 'ROUTE', 'EVENT', 'AGE', 'REASON'],
  'waiting list': ['ID', 'NEXT TRY', 'ROUTE', 'REASON'],
};

test('every list fits a terminal of 80 columns, with heads, and is whole with --wide', async () => {
  const event = 'a_notification_of_ones_own_that_is_long';
  const unknownFields = [`/${'field_'.repeat(20)}`];
  await deadLetters({ event, accountId: 'a'.repeat(32), receivedAt: Date.now(), unknownFields }, {});
  await relay('pause', 'crm');
  configure('a_route_whose_name_is_long');
  reply = { status: 503, body: 'so sorry '.repeat(20) };
  await start();
  await until(async () => (await counts('a_route_whose_name_is_long')).waiting > 0, { what: 'one to wait' });
  configure('crm');
  const ofJournal = [
    ...[['dead', 'list'], ['dead', 'list', '--group'], ['waiting', 'list'], ['audit'], ['tail'], ['status'], ['drift']],
    ['replay', '--route', 'crm', '--since', '2001-01-01', '--dry-run'],
  ].map((command) => [...command, '--config', join(folder, 'config.yaml')]);
  for (const command of [...ofJournal, ['events'], ['events', 'voicemail_new']]) {
    const shown = (...more: string[]) => cli([...command, ...more], '', {}, { columns: 80 });
    const heads = headsAt80[command.slice(0, 2).join(' ')] ?? [];
    const headsIn = (text: string) => text.split('\n').find((line) => /^[A-Z ]{15,}$/.test(line)) ?? '';
    const { stdout } = await shown();
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(headsIn(stdout)).toMatch(/[A-Z]+ {2}/);
    if (!command.includes('--group')) expect(headsIn(stdout).split(/ {2,}/)).toEqual(expect.arrayContaining(heads));
    if (command[1] === 'voicemail_new') expect(stdout).toContain('\nvoicemail_transcription ');
    const wide = (await shown('--wide')).stdout;
    expect(wide).not.toContain('…');
    const whole = headsIn(stdout).replace('AGE', 'RECEIVED').trim();
    expect(headsIn(wide).split(/ +/)).toEqual(expect.arrayContaining(whole.split(/ +/)));
  }
  const [dead] = (await relay('dead', 'list', '--json')).stdout.split('\n', 1).map((line) => JSON.parse(line).id);
  const { stdout } = await cli(
    ['dead', 'show', dead, '--config', join(folder, 'config.yaml')],
    '',
    {},
    { columns: 40 },
  );
  const [, told = ''] = stdout.split('\n}\n');
  expect(told).toMatch(/\ncrm: dead, answered/);
  expect(told.split('\n').filter((line) => line.length > 40 && line.trim().includes(' '))).toEqual([]);
});

test('dead list is what makes new dead letters known ones to status', async () => {
  await deadLetters({}, { event: 'missed_call' });
  await start();
  const verdict = async () => (await relay('status')).stdout.split('\n').find((line) => line.includes('new dead'));
  expect(await verdict()).toBe('crm has 2 new dead letters');
  for (const args of [['--json'], ['--event', 'missed_call'], ['--since', '2001-01-01']])
    await relay('dead', 'list', ...args);
  await relay('waiting', 'list');
  expect(await verdict()).toBe('crm has 2 new dead letters');
  await relay('dead', 'list', '--group', '--route', 'crm');
  expect(await verdict()).toBeUndefined();
});

function relay(...args: string[]): Promise<Result> {
  return cli([...args, '--config', join(folder, 'config.yaml')]);
}

/** Writes the configuration, with this instead of what the route has. */
function configure(name = 'crm', changed: object = {}, accept = {}, others = {}, expected: object[] = []): void {
  const route = {
    start: 'earliest',
    events: ['*'],
    // No next try comes by itself while a test runs.
    retry: { schedule: ['12h', '12h'] },
    sink: { type: 'webhook', url: receiver.url },
  };
  const config = {
    // Nobody is there, and nobody needs to be: what matters is in the journal.
    brokers: [{ zone: 'west', url: 'amqp://127.0.0.1:1' }],
    // What is settled stays: the notifications of these tests are old.
    journal: { path: join(folder, 'journal'), retention: '20000d' },
    http: { listen: 'off' },
    validation: { schemas: [join(folder, 'schemas')], accept },
    expect: expected,
    routes: { [name]: { ...route, ...changed }, ...others },
  };
  writeFileSync(join(folder, 'config.yaml'), stringify(config));
}

async function start(): Promise<void> {
  daemon = await startRelayHere(join(folder, 'config.yaml'));
}

/** Puts notifications into the journal, and returns their ids. */
async function fill(parts: readonly NotificationParts[]): Promise<string[]> {
  const journal = await openJournal(join(folder, 'journal'), pino({ level: 'silent' }));
  const batch = parts.map(notification);
  await journal.append(batch);
  await journal.close();
  return batch.map(({ header }) => header.id);
}

/** The same, refused by the receiver; the daemon has ended then. */
async function deadLetters(...parts: NotificationParts[]): Promise<string[]> {
  const ids = await fill(parts);
  reply = { status: 422, body: 'no room' };
  await start();
  await until(async () => (await counts()).dead === parts.length, { what: 'the dead letters' });
  await daemon?.stop();
  return ids;
}

/** The same, each tried once without success; the daemon runs. */
async function waiting(...parts: NotificationParts[]): Promise<string[]> {
  const ids = await fill(parts);
  reply = { status: 500, body: 'busy' };
  await start();
  await until(async () => (await counts()).waiting === parts.length, { what: 'all of them to wait' });
  return ids;
}

async function counts(name = 'crm') {
  const journal = await openJournalReader(join(folder, 'journal'));
  const { routes } = await journal.summary();
  await journal.close();
  return routes.find((route) => route.name === name) ?? { cursor: 0, waiting: 0, quarantined: 0, dead: 0 };
}

function idOf(body = '{}'): unknown {
  return JSON.parse(body).id;
}
