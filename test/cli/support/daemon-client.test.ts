import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { stringify } from 'yaml';
import { openControl } from '../../../src/ops/control.ts';
import { statusOf } from '../../../src/ops/status.ts';
import { cli, type Result } from '../../support/cli.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { openJournal } from '../../support/journal.ts';
import { type BreakableBroker, shareBreakableBroker } from '../../support/rabbitmq.ts';
import { until } from '../../support/until.ts';

let broker: BreakableBroker;
let folder: string;
let config: string;
let daemon: Daemon;

const well: Result = { stdout: '', stderr: '', code: 0 };

beforeAll(async () => {
  broker = await shareBreakableBroker();
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-check-'));
  config = join(folder, 'config.yaml');
  const routes = { log: { sink: { type: 'log' } } };
  const brokers = [{ zone: 'west', url: broker.url }];
  writeFileSync(
    config,
    stringify({ brokers, journal: { path: join(folder, 'journal') }, http: { listen: 'off' }, routes }),
  );
  daemon = startDaemon(config);
  await daemon.says('consuming');
});

afterAll(async () => {
  await daemon.end('SIGKILL');
  await broker.close();
  rmSync(folder, { recursive: true });
});

test('a configuration that is not the running daemon’s is told by status and check', async () => {
  const told = async (file: string) => {
    const [status, check] = await Promise.all(['status', 'check'].map((command) => cli([command, '--config', file])));
    expect([status?.code, check?.code]).toEqual([0, 0]);
    // Lines are as long as the terminal is wide.
    const differences = [status, check].map(
      (result) =>
        /the daemon (of this journal )?runs with.*/.exec(result?.stdout.trim().replaceAll(/\s+/g, ' ') ?? '')?.[0],
    );
    expect(differences[0]).toBe(differences[1]);
    return differences[0];
  };
  expect(await told(config)).toBeUndefined();
  const other = join(folder, 'other.yaml');
  copyFileSync(config, other);
  expect(await told(other)).toBe(`the daemon of this journal runs with ${config}, not with ${other}`);
  appendFileSync(config, '# another state\n');
  expect(await told(config)).toBe(
    `the daemon runs with an earlier state of ${config}: kazoo-relay reload makes it read that`,
  );
  const { stdout } = await cli(['check', '--config', config, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, note: expect.stringContaining('an earlier state') });
  await cli(['reload', '--config', config]);
  expect(await told(config)).toBeUndefined();
  const [one, two] = [join(folder, 'a.routes.yaml'), join(folder, 'b.routes.yaml')];
  writeFileSync(one, 'routes: { one: { sink: { type: log } } }');
  appendFileSync(config, 'include: "*.routes.yaml"\n');
  await cli(['reload', '--config', config]);
  expect(await told(config)).toBeUndefined();
  // What the pattern matches anew, and what it doesn't match any more.
  writeFileSync(two, 'routes: { two: { sink: { type: log } } }');
  expect(await told(config)).toBe(`the daemon runs without ${two}: kazoo-relay reload makes it read that`);
  rmSync(one);
  expect(await told(config)).toBe(
    `the daemon runs with an earlier state of ${one}, and without ${two}: kazoo-relay reload makes it read that`,
  );
  const reloaded = await cli(['reload', '--config', config], '', {}, { columns: 80 });
  expect(reloaded.stdout.replaceAll(/\s+/g, ' ')).toMatch(/ last changed \d\d:\d\d:\d\d $/);
  expect(await told(config)).toBeUndefined();
});

describe('status --check', () => {
  test('is content with a daemon that consumes', async () => {
    expect(await check('live')).toEqual(well);
    expect(await check('ready')).toEqual(well);
  });

  test('tells a daemon that lives from one that is ready', async () => {
    await broker.stop();
    await until(async () => (await check('ready')).code === 1, { what: 'the daemon to miss its broker' });
    const { stdout, stderr, code } = await check('ready');
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(/^kazoo-relay: 127\.0\.0\.1:\d+ \(zone west\): away: .*\n$/);
    expect(await check('live')).toEqual(well);
  });

  test('says that none runs, also where one was killed', async () => {
    await daemon.end('SIGKILL');
    expect(await check('live')).toEqual({
      stdout: '',
      stderr: `kazoo-relay: no daemon answers in ${join(folder, 'journal')}\n`,
      code: 1,
    });
  });
});

describe('status', () => {
  test('says so where the daemon cannot answer, and fails', async () => {
    const journal = join(folder, 'stuck');
    const file = join(folder, 'stuck.yaml');
    writeFileSync(file, readFileSync(config, 'utf8').replace(join(folder, 'journal'), journal));
    mkdirSync(journal);
    const answer = async () => Promise.reject(new Error('the journal is closed'));
    const answers = {
      status: answer,
      reload: answer,
      config: answer,
      live: answer,
      ready: answer,
      try: answer,
      look: answer,
      page: answer,
    };
    const control = await openControl(journal, answers, pino({ level: 'silent' }));
    const stderr = "kazoo-relay: the daemon can't tell: the journal is closed\n";
    try {
      expect(await cli(['status', '--config', file])).toEqual({ stdout: '', stderr, code: 2 });
    } finally {
      await control.close();
    }
  });
});

describe('pause and resume', () => {
  test('end once the daemon has looked, so that no attempt starts from then on', async () => {
    const journal = join(folder, 'paused');
    const file = join(folder, 'paused.yaml');
    writeFileSync(file, readFileSync(config, 'utf8').replace(join(folder, 'journal'), journal));
    await (await openJournal(journal, pino({ level: 'silent' }))).close();
    let looks = 0;
    const other = async () => null;
    const look = async () => {
      looks += 1;
      if (looks === 3) throw new Error('the journal is closed');
      return null;
    };
    const answers = {
      ...{ status: other, reload: other, config: other, live: other, ready: other, try: other, page: other },
      look,
    };
    const control = await openControl(journal, answers, pino({ level: 'silent' }));
    try {
      for (const command of ['pause', 'resume']) await cli([command, 'log', '--config', file]);
      expect(looks).toBe(2);
      expect(await cli(['pause', 'log', '--config', file])).toEqual({
        stdout: '',
        stderr:
          'kazoo-relay: it is saved, but the daemon may not know it before a second has passed: the journal is closed\n',
        code: 2,
      });
    } finally {
      await control.close();
    }
  });
});

describe('status --watch', () => {
  test('shows it again, in the place of what was shown before, until it is interrupted', async () => {
    const journal = join(folder, 'watched');
    const file = join(folder, 'watched.yaml');
    writeFileSync(file, readFileSync(config, 'utf8').replace(join(folder, 'journal'), journal));
    mkdirSync(journal);
    const ctrlC = new AbortController();
    const live = {
      ...{ startedAt: Date.now(), brokers: [], http: null, journalProblem: null, doubt: null },
      degraded: { state: 'draining', since: 0, reason: '', spooled: 1_200 } as const,
      activityOf: () => undefined,
    };
    const named = { file, name: 'here', journal: { path: journal, maxSize: 1, invalidShare: 1 }, routes: [] };
    let asked = 0;
    const other = async () => null;
    const status = async () => {
      asked += 1;
      if (asked === 2) ctrlC.abort();
      return statusOf(named, 'not now', live, null);
    };
    const answers = {
      status,
      reload: other,
      config: other,
      live: other,
      ready: other,
      try: other,
      look: other,
      page: other,
    };
    const control = await openControl(journal, answers, pino({ level: 'silent' }));
    try {
      const around = { columns: 80, interrupted: ctrlC.signal };
      const { stdout, code } = await cli(['status', '--watch', '--config', file], '', {}, around);
      expect({ asked, code }).toEqual({ asked: 2, code: 0 });
      // To the upper left corner, and nothing behind it.
      expect(stdout.split('\u001b[H\u001b[J').map((page) => page.slice(0, 21))).toEqual([
        '',
        ...Array.from({ length: 2 }, () => 'the journal needs you'),
      ]);
      expect(stdout).toMatch(/^ +1200 notifications of journal\.spool, kept since 01 Jan 1970, are yet to$/m);
    } finally {
      await control.close();
    }
  });
});

function check(what: string): Promise<Result> {
  return cli(['status', '--check', what, '--config', config]);
}
