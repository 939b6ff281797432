import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { cli, type Result } from '../../support/cli.ts';
import { configFolder } from '../../support/config-folder.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { openJournal } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { recorded } from '../../support/recorded.ts';
import { settle } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';

const folder = configFolder();
let config: string;
let ids: string[];
let daemon: Daemon | undefined;

/** The route `old` has given up the first of four notifications, waits with the second, and hasn't come to the others. */
beforeEach(async () => {
  config = configure('archive');
  ids = await fill();
});

afterEach(async () => {
  await daemon?.end('SIGKILL');
  daemon = undefined;
});

describe('a route that has left the configuration', () => {
  test('is shown by status apart from the others, with what the journal holds of it', async () => {
    const { routes, former_routes } = JSON.parse((await relay('status', '--json')).stdout);
    expect(routes).toMatchObject([{ name: 'archive', dead: 0, waiting: 0 }]);
    const old = { name: 'old', cursor: 2, lag: { messages: 2 }, waiting: 1, quarantined: 0, dead: 1 };
    expect(former_routes).toMatchObject([old]);
    const { stdout } = await relay('status');
    expect(stdout).toMatch(
      /\n\nNOT IN THE CONFIGURATION +LAG .*\nold +2 \(\d+ \w+\) +1 +0 +1\nNothing of these is delivered\./,
    );
    expect((await relay('config', 'routes')).stdout).toBe('archive\n');
    expect((await relay('config', 'routes', '--former')).stdout).toBe('old\n');
    daemon = await start();
    expect(JSON.parse((await relay('status', '--json')).stdout)).toMatchObject({ running: true, former_routes: [old] });
  });

  test('is told apart where its letters are listed or shown', async () => {
    const [dead = '', waiting = ''] = ids;
    const { stdout, stderr } = await relay('dead', 'list');
    expect(stdout).toMatch(new RegExp(`^ID .*\n${dead} +dead +old .*\n$`));
    expect(stderr).toBe('old is not in the configuration; "kazoo-relay status" says what that means\n');
    expect((await relay('waiting', 'show', waiting)).stdout).toContain(
      '\nold (not in the configuration): waiting, some\n',
    );
  });

  test('has nothing tried; another route can deliver it', async () => {
    const [dead = ''] = ids;
    const help =
      'not retried: the configuration has no route old; another one can deliver it: kazoo-relay replay --route NAME ID\n';
    expect((await relay('dead', 'retry', '--all')).stdout).toContain(help);
    expect((await relay('waiting', 'retry', '--all')).stdout).toContain(help);
    expect((await relay('replay', '--route', 'archive', dead)).stdout).toMatch(
      /^1 notification will be delivered again/,
    );
    expect((await relay('waiting', 'list', '--route', 'archive')).stdout).toContain(dead);
  });

  test('goes on from where it was once it is back, and has its dead letters', async () => {
    config = configure('old');
    daemon = await start();
    await until(() => delivered().length === 3, { what: 'the three that it had not settled' });
    expect(delivered().toSorted()).toEqual(ids.slice(1).toSorted());
    expect((await relay('dead', 'list')).stdout).toMatch(/ dead +old /);
  });
});

describe('forget', () => {
  test('removes what is left of a route that has left the configuration, and of no other', async () => {
    expect(await relay('forget', 'old', '--yes')).toEqual({
      stdout: 'old is forgotten: how far it was, 1 waiting, 0 quarantined, 1 dead\n',
      stderr: '',
      code: 0,
    });
    expect(JSON.parse((await relay('status', '--json')).stdout)).toMatchObject({
      journal: { messages: 4 },
      routes: [{ name: 'archive', cursor: 4 }],
      former_routes: [],
    });
    expect((await relay('status')).stdout).not.toContain('NOT IN');
    expect(await relay('dead', 'list')).toMatchObject({ stdout: '', stderr: 'nothing is dead or quarantined\n' });
  });

  test('lets a route of that name begin where its start says', async () => {
    daemon = await start();
    await relay('forget', 'old', '--yes');
    config = configure('old', 'earliest');
    expect((await relay('reload')).stdout).toContain('route old: added');
    await until(() => delivered().length === 4, { what: 'all four' });
    expect(delivered()).toEqual(ids);
  });

  test('refuses a route of the configuration, one that the daemon still runs, and one that there is not', async () => {
    expect(await relay('forget', 'archive', '--yes')).toEqual(
      refusal('the configuration has the route archive: take it out first, and reload'),
    );
    expect(await relay('forget', 'odl', '--yes')).toEqual(
      refusal('the journal knows no route "odl" that has left the configuration; did you mean old?'),
    );
    expect(await relay('forget', 'old')).toEqual(refusal('there is nobody to ask: add --yes'));
    daemon = await start();
    config = configure('new');
    expect(await relay('forget', 'archive', '--yes')).toEqual(
      refusal('the daemon still runs the route archive: "kazoo-relay reload" ends it'),
    );
    await relay('reload');
    expect((await relay('forget', 'archive', '--yes')).stdout).toContain('archive is forgotten');
  });
});

function refusal(reason: string): Result {
  return { stdout: '', stderr: `kazoo-relay: ${reason}\n`, code: 2 };
}

function relay(...args: string[]): Promise<Result> {
  return cli([...args, '--config', config]);
}

/** Writes a configuration with one route. */
function configure(name: string, start = 'now'): string {
  return folder.write(
    'relay.yaml',
    `# Nobody is there, and nobody needs to be: what matters is in the journal.
brokers: [{ zone: west, url: 'amqp://127.0.0.1:1' }]
journal: { path: FOLDER/journal, retention: 20000d }
http: { listen: 'off' }
routes:
  ${name}: { start: ${start}, events: ['*'], sink: { type: file, path: FOLDER/${name}.ndjson } }
`,
  );
}

async function start(): Promise<Daemon> {
  const started = startDaemon(config);
  await started.says('broker not available');
  return started;
}

/** The ids that the route `old` has delivered. */
function delivered(): string[] {
  const file = join(folder.path, 'old.ndjson');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean) : [];
  return lines.map((line) => JSON.parse(line).id);
}

async function fill(): Promise<string[]> {
  const journal = await openJournal(join(folder.path, 'journal'), pino({ level: 'silent' }));
  const batch = [{}, {}, {}, {}].map(notification);
  await journal.append(batch);
  await settle(journal, 'archive', { cursor: 4 });
  await settle(journal, 'old', { cursor: 2, recorded: [recorded(1, 'dead'), recorded(2, 'waiting')] });
  await journal.close();
  return batch.map(({ header }) => header.id);
}
