import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { stringify } from 'yaml';
import type { Journal } from '../../../src/journal/journal.ts';
import type { Recorded, Settlement } from '../../../src/journal/route-session.ts';
import { type Selection, selectionOf } from '../../../src/routes/match.ts';
import { cli, type Result } from '../../support/cli.ts';
import { openJournal } from '../../support/journal.ts';
import { type NotificationParts, notification } from '../../support/notification.ts';
import { recorded, untouched } from '../../support/recorded.ts';

/** A time as it is printed. */
const time = '\\d{4}-\\d\\d-\\d\\dT\\S+';
const account = '4f5c7d1e9b8a4c3d8e2f1a0b9c8d7e6f';
const everything: Selection = {
  ...{ events: [], accounts: [], zones: [] },
  ...{ previews: 'skip', invalid: 'quarantine', resends: 'skip', unknown: 'deliver' },
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-why-'));
  configure({ crm: {} });
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('why', () => {
  test('a notification was delivered, or where it is held up, it says on a line for each route', async () => {
    configure({
      all: {},
      slow: {},
      broken: {},
      strict: {},
      dropped: {},
      picky: { events: ['fax_*'] },
      late: {},
      new: {},
    });
    const [id] = await withJournal(async (journal) => {
      const { seq, id } = await append(journal, { state: 'invalid', problems: [problem] });
      const failed = { at: 1, duration: 1, outcome: 'retry', code: 503, reason: 'answered 503' } as const;
      const dueAt = Date.now() + 60_000;
      const record = { ...recorded(seq, 'waiting'), attempts: [failed, failed], reason: failed.reason, dueAt };
      await passed(journal, 'all', seq, { delivered: [{ code: 204, places: [seq, seq], events: new Map() }] });
      await passed(journal, 'slow', seq, { recorded: [record] });
      await passed(journal, 'broken', seq, { recorded: [{ ...record, state: 'dead', dueAt: null }] });
      await passed(journal, 'strict', seq, { recorded: [{ ...record, state: 'quarantined', reason: 'invalid: /a' }] });
      await passed(journal, 'dropped', seq, { recorded: [recorded(seq, 'dead')] });
      await passed(journal, 'picky', seq, {}, { events: ['fax_*'] });
      await journal.openRoute('late', 'earliest');
      await journal.openRoute('new', 'now');
      await passed(journal, 'gone', seq, { settled: [{ ...untouched(seq), code: 'x', attempts: 3 }] });
      return [id];
    });
    await relay('dead', 'drop', '--route', 'dropped', '--all', '--yes');
    const { stdout, code } = await relay('why', id);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      `missed_call  ${id}`,
      expect.stringMatching(`^  received ${time}, zone west, account ${account}$`),
      '  invalid: /a must be b',
      expect.stringMatching(`^  all      delivered ${time}, answered 204, after 1 try$`),
      expect.stringMatching(`^  slow     waiting, next try ${time} after 2 tries: answered 503$`),
      expect.stringMatching(`^  broken   dead ${time} after 2 tries: answered 503$`),
      expect.stringMatching(`^  strict   quarantined ${time}: invalid: /a$`),
      expect.stringMatching(`^  dropped  dropped ${time} by \\S+$`),
      '  picky    not wanted: its event, missed_call, is not among events: fax_*',
      '  late     not delivered yet; the daemon does not run',
      expect.stringMatching(`^  new      the route is newer than it: it began ${time}$`),
      expect.stringMatching(`^  gone     delivered ${time}, answered x, after 3 tries \\(not in the configuration\\)$`),
      '',
    ]);
    const json = JSON.parse((await relay('why', id, '--json')).stdout);
    expect(json).toMatchObject({ id, event: 'missed_call', account_id: account, state: 'invalid' });
    expect(json.routes.slice(0, 2)).toMatchObject([
      { route: 'all', state: 'delivered', code: 204, tries: 1, at: expect.stringMatching(time) },
      { route: 'slow', state: 'waiting', code: 503, tries: 2 },
    ]);
  });

  test('it was not wanted by the configuration of then, it says, and how to deliver it by that of today', async () => {
    const id = await withJournal(async (journal) => {
      const { seq, id } = await append(journal, {});
      await passed(journal, 'crm', seq, {}, { where: 'data.duration > 10' });
      await journal.openRoute('crm', 'now', 'quarantine', everything);
      return id;
    });
    expect((await relay('why', id)).stdout).toMatch(
      new RegExp(
        `  crm  not wanted: where is false: data.duration > 10 \\(data.duration is 3\\). So it was until ${time}; by today's ` +
          `configuration it is wanted: kazoo-relay replay --route crm ${id}\n$`,
      ),
    );
    const narrow = await cli(['why', id, '--config', join(folder, 'config.yaml')], '', {}, { columns: 80 });
    const lines = narrow.stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(/^ {2}crm {2}not wanted: where is false/),
      expect.stringMatching(/^ {7}\S/),
      expect.stringMatching(/^ {7}\S/),
    ]);
  });

  test('a broker has sent it again, it says how often, and when last', async () => {
    const [one, other] = await withJournal(async (journal) => {
      const batch = ['a', 'b'].map((id) => notification({ id, event: 'missed_call', accountId: account }));
      await journal.append(batch);
      await journal.append([...batch.slice(1), ...batch.slice(1)]);
      return batch.map(({ header }) => header.id);
    });
    const told = async (id = '') => (await relay('why', id)).stdout;
    expect(await told(one)).not.toContain('more time');
    expect(await told(other)).toMatch(
      new RegExp(`^  the broker sent it 2 more times, last ${time}; duplicates are dropped$`, 'm'),
    );
    expect(JSON.parse((await relay('why', other ?? '', '--json')).stdout).redelivered).toMatchObject({ count: 2 });
    expect((await relay('why', '--event', 'register', '--number', '12', '--since', '2001-01-01')).stdout).toContain(
      '(missed_call 2), 2 duplicates dropped, the newest',
    );
  });

  test('it can’t say more, it says where deliveries were not logged yet', async () => {
    const id = await withJournal(async (journal) => {
      const { seq, id } = await append(journal, {});
      await passed(journal, 'crm', seq, {});
      return id;
    });
    expect((await relay('why', id)).stdout).toContain(
      '  crm  the route has passed it; what became of it is not known any more: nothing is logged yet\n',
    );
  });

  test('no route gets what could not be decoded, it says once', async () => {
    const id = await withJournal(
      async (journal) =>
        (await append(journal, { state: 'undecodable', event: null, json: 'null', problems: [problem] })).id,
    );
    expect((await relay('why', id)).stdout).toMatch(
      /\n {2}all routes {2}could not be decoded, no route gets it: must be b\n$/,
    );
  });

  test('KAZOO has published it again, it says, and finds it by its number and its call', async () => {
    const again = { fingerprint: 'f', ownTime: 5 };
    const [one, two] = await withJournal(async (journal) => {
      const first = await append(journal, again);
      return [first.id, (await append(journal, again)).id];
    });
    for (const chosen of [
      ['--number', '030-1234567'],
      ['--call-id', 'c-1@host'],
      ['--account', account],
    ]) {
      const { stdout } = await relay('why', ...chosen);
      expect(stdout.match(/^missed_call .*$/gm)).toEqual([`missed_call  ${two}`, `missed_call  ${one}`]);
      expect(stdout).toMatch(new RegExp(`KAZOO has published it again: ${one}, received ${time}\n`));
    }
    expect((await relay('why', '--event', 'missed_call', '--limit', '1')).stdout).toMatch(
      new RegExp(`${two}[^]*\nshown: the newest 1, back to ${time}; --limit for more\n$`),
    );
    const since = ['--since', '2001-01-01'];
    expect((await relay('why', '--event', 'missed_call', ...since, '--limit', '1')).stdout).toContain(
      '--limit for more',
    );
    expect((await relay('why', '--event', 'missed_call', ...since)).stdout).not.toContain('for more');
    await withJournal(async (journal) => {
      for (let more = 0; more < 5; more += 1) await append(journal, again);
    });
    const { stdout } = await relay('why', one);
    expect(stdout.match(/published it again/g)).toHaveLength(5);
    expect(stdout).toContain('and 1 more before these: --json has all\n');
    expect(JSON.parse((await relay('why', one, '--json')).stdout).also_published).toHaveLength(6);
  });
});

test('why lists what came in since a time, the newest first, as far as its limit', async () => {
  const ids = await withJournal(async (journal) => {
    await append(journal, { receivedAt: Date.now() - 3_600_000 });
    const one = await append(journal, {});
    return [(await append(journal, { event: 'register' })).id, one.id];
  });
  const found = async (...args: string[]) => (await relay('why', '--since', '30m', ...args)).stdout;
  expect((await found()).match(/^\w+ {2}[0-9a-f-]{36}$/gm)).toEqual([`register  ${ids[0]}`, `missed_call  ${ids[1]}`]);
  expect(await found('--limit', '1')).toMatch(/\nshown: the newest 1, back to \S+; --limit for more\n$/);
  expect(await relay('why', '--since', '0s')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^nothing fits since \S+\nno broker was away, as far as the journal knows\n$/),
  });
});

test('dead and waiting say of one that is not of theirs on a line for each route what it is', async () => {
  configure({ crm: {}, picky: { events: ['fax_*'] } });
  const id = await withJournal(async (journal) => {
    const { seq, id } = await append(journal, {});
    await passed(journal, 'crm', seq, { delivered: [{ code: 204, places: [seq, seq], events: new Map() }] });
    await passed(journal, 'picky', seq, {}, { events: ['fax_*'] });
    return id;
  });
  const byRoute = [
    expect.stringMatching(`^  crm: delivered ${time}, answered 204, after 1 try$`),
    '  picky: not wanted: its event, missed_call, is not among events: fax_*',
  ];
  const lines = async (...args: string[]) => (await relay(...args)).stdout.split('\n');
  expect((await lines('dead', 'retry', id)).slice(1, 4)).toEqual([`${id}: it is not dead or quarantined`, ...byRoute]);
  expect((await lines('waiting', 'drop', id)).slice(0, 3)).toEqual([
    `${id}: it does not wait for its next try`,
    ...byRoute,
  ]);
  expect((await lines('dead', 'retry', id, '--route', 'crm'))[1]).toMatch(
    /: it is not dead or quarantined on crm: crm: d/,
  );
});

describe('on a terminal of 80 columns, nothing is wider but ids and words that are', () => {
  test.each([
    'why --since 1h',
    'why --event register --since 1h',
    'why 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55',
    'dead list',
    'dead list --group',
    'dead show ID',
    'dead retry ID',
    'dead drop --event register --yes',
    'waiting list',
    'waiting show ID',
    'replay ID --route crm',
    'replay --since 1h --route crm --dry-run',
    'status',
    'tail',
    'tail --event fax_inbound_error',
    'audit --since tomorrow',
    'pause crm',
    'erase --account ACCOUNT --dry-run',
    'check --strict',
    'check --connect',
    'publish missed_call --url amqp://kazoo.example.com',
    'forget a-route-that-was-never-there-and-whose-name-is-rather-long',
  ])('%s', async (line) => {
    const args = line.split(' ').map((word) => (word === 'ACCOUNT' ? account : word));
    const long = 'an answer of the receiver that is longer than any terminal, and tells all that has gone wrong';
    configure({
      crm: {
        where: 'data.caller_id_number == "+4930123456789" && data.to == "a@example.com" && data.caller_id_nmbr == "1"',
      },
      other: {},
    });
    const id = await withJournal(async (journal) => {
      await journal.openRoute('crm', 'earliest', 'quarantine', everything);
      const problems = [{ path: '/caller_id_number', message: long, keyword: 'pattern' }];
      const { seq, id } = await append(journal, { state: 'invalid', problems });
      const failed = { at: Date.now(), duration: 1, outcome: 'retry', code: 503, reason: long } as const;
      const dueAt = Date.now() + 60_000;
      const record = { ...recorded(seq, 'waiting'), attempts: [failed, failed], reason: long, dueAt };
      await passed(journal, 'crm', seq, { recorded: [record] });
      await passed(journal, 'other', seq, { recorded: [{ ...record, state: 'dead', dueAt: null }] });
      journal.brokerAway({ zone: 'west', broker: 'mq:5672' }, Date.now() - 60_000, long, null);
      return id;
    });
    const named = args.map((word) => (word === 'ID' ? id : word));
    const at = args[0] === 'publish' ? [] : ['--config', join(folder, 'config.yaml')];
    const { stdout, stderr } = await cli([...named, ...at], '', {}, { columns: 80 });
    // An envelope is for copying.
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => !/^ *["{}]/.test(line));
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter((line) => line.length > 80 && line.trim().includes(' '))).toEqual([]);
    // Times are short.
    expect(lines.filter((line) => /\d\d:\d\d:\d\d\.\d/.test(line))).toEqual([]);
  });
});

describe('why, where nothing fits,', () => {
  test('tells what came of that event and of that account, and when nothing could come', async () => {
    const now = Date.now();
    await withJournal(async (journal) => {
      for (const event of ['missed_call', 'missed_call', 'register']) await append(journal, { event });
      await append(journal, { event: 'voicemail_new', accountId: 'b' });
      journal.brokerAway({ zone: 'west', broker: 'mq:5672' }, now - 60_000, 'refused', null);
    });
    const { stdout, code } = await relay('why', '--event', 'voicemail_new', '--account', account, '--since', '1h');
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(`^nothing fits since ${time}$`),
      expect.stringMatching(`^of voicemail_new: 1 notification \\(voicemail_new 1\\), the newest ${time}$`),
      expect.stringMatching(
        `^of the account ${account}: 3 notifications \\(missed_call 2, register 1\\), the newest ${time}$`,
      ),
      expect.stringMatching(`^the broker mq:5672 of west was away ${time} to now: refused$`),
      '',
    ]);
    // Where something fits, others may be missing all the same.
    const found = async (...args: string[]) => (await relay('why', '--event', 'register', ...args)).stdout;
    expect(await found('--since', '1h')).toContain('\nthe broker mq:5672 of west was away ');
    expect(await found('--since', '30s')).toContain('was away');
    expect(await found()).not.toContain('was away');
  });

  test('tells of an id when it was published, and when the journal begins', async () => {
    await withJournal((journal) => append(journal, { receivedAt: Date.UTC(2026, 10, 24) }));
    const published = Date.UTC(2026, 10, 23, 8).toString(16).padStart(12, '0');
    const id = `${published.slice(0, 8)}-${published.slice(8)}-8d4e-9f6a-3c1f0a7b2d55`;
    expect(await relay('why', id, '--utc')).toEqual({
      code: 1,
      stdout:
        'By its id it was published 2026-11-23T08:00:00.000Z; the journal begins 2026-11-24T00:00:00.000Z.\n' +
        'no broker was away, as far as the journal knows\n',
      stderr: `the journal has no notification "${id}"; "kazoo-relay tail --json" shows the ids\n`,
    });
  });

  test.each([
    [[], 'say which notification: an id, or any of --event, --account, --number, --call-id and --since'],
    [['x', '--event', 'missed_call'], '--event searches: give either an id or what to search for'],
    [['--number', '1'], '--number must have two digits at least'],
    [['--event', 'missed_cal'], 'did you mean missed_call?'],
  ])('refuses %j', async (args, reason) => {
    await withJournal((journal) => append(journal, {}));
    expect(await relay('why', ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(reason) });
  });
});

const problem = { path: '/a', message: 'must be b', keyword: 'const' };

function configure(routes: Record<string, object>): void {
  const sink = { type: 'log' };
  const named = Object.entries(routes).map(([name, route]) => [name, { sink, ...route }]);
  const brokers = [{ zone: 'west', url: 'amqp://localhost' }];
  writeFileSync(
    join(folder, 'config.yaml'),
    stringify({ brokers, journal: { path: folder }, routes: Object.fromEntries(named) }),
  );
}

async function withJournal<T>(work: (journal: Journal) => Promise<T>): Promise<T> {
  const journal = await openJournal(folder, pino({ level: 'silent' }));
  const result = await work(journal);
  await journal.close();
  return result;
}

async function append(journal: Journal, parts: NotificationParts): Promise<{ seq: number; id: string }> {
  const json = JSON.stringify({ duration: 3, call_id: 'c-1@host', caller_id_number: '+49301234567' });
  const one = notification({ event: 'missed_call', accountId: account, receivedAt: Date.now(), json, ...parts });
  const [entry] = await journal.append([one]);
  if (entry === undefined) throw new Error('it was there already');
  return { seq: entry.seq, id: entry.header.id };
}

/** A route that has been at work, and has passed an entry. */
async function passed(
  journal: Journal,
  route: string,
  cursor: number,
  settlement: Partial<Settlement> & { recorded?: readonly Recorded[] },
  selection: Partial<Selection> = {},
): Promise<void> {
  const place = await journal.openRoute(route, 'earliest', 'quarantine', selectionOf({ ...everything, ...selection }));
  const session = await place.session();
  void session.settle({ cursor, recorded: [], settled: [], delivered: [], ...settlement });
  await session.close();
}

function relay(...args: string[]): Promise<Result> {
  return cli([...args, '--config', join(folder, 'config.yaml')]);
}
