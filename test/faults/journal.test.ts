import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { messages } from '../../src/common/messages.ts';
import { askDaemon, refuseSecond } from '../../src/ops/control.ts';
import { cli } from '../support/cli.ts';
import { startDaemon } from '../support/daemon.ts';
import { onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { messagesOn, type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { smallDisk } from '../support/small-disk.ts';
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

describe('a full disk under the journal', () => {
  test('has nothing acknowledged until there is room, loses nothing, and says so once', async () => {
    using disk = diskOfTheJournal();
    const full = toFile(disk.folder);
    await full.start().says('consuming');
    disk.limit(full);
    const published: string[] = [];
    while (!full.daemon.stderr.includes('journal not writable'))
      published.push(...(await publishAsKazoo(broker.url, 100, { Filler: 'x'.repeat(2_000) })));
    published.push(...(await publishAsKazoo(broker.url, 300)));
    await until(() => new Set(full.lines('out.ndjson')).size === full.journalled(), {
      what: 'routes to deliver what the journal has',
    });
    const journalled = full.journalled();
    expect(journalled).toBeLessThan(published.length);
    const reason = expect.stringMatching(/^the journal .* can't be written: its disk is full$/);
    expect(await askDaemon(full.journal, 'status')).toMatchObject({ brokers: [{ paused: true, reason }] });
    // The route may say so too, where its progress has met the full disk.
    expect(await askDaemon(full.journal, 'ready')).toContainEqual(
      expect.stringMatching(/^127.*: journal not writable: the journal .*: its disk is full$/),
    );
    expect((await cli(['status', '--config', full.config])).stdout).toMatch(
      / paused .* the journal .*: its disk is full$/ms,
    );
    // What isn't in the journal is with the broker, all of it.
    await until(async () => (await queued()) === published.length - journalled, { what: 'the rest in the queue' });
    disk.grow(full);
    await full.daemon.says(messages.writableAgain);
    await until(() => new Set(full.lines('out.ndjson')).size === published.length, { what: 'all of them' });
    expect(full.journalled()).toBe(published.length);
    expect(new Set(full.lines('out.ndjson'))).toEqual(new Set(published));
    await until(async () => (await queued()) === 0, { what: 'an empty queue' });
    expect(full.daemon.stderr.split('journal not writable')).toHaveLength(2);
    expect(full.daemon.stderr.split(messages.writableAgain)).toHaveLength(2);
    expect(await full.daemon.end('SIGTERM')).toBe(0);
  });
});

describe('files that are removed under a daemon that runs', () => {
  test('let no second one in, stop all acknowledging, and are got back from what it has open', async () => {
    const robbed = toFile();
    const first = robbed.start();
    await first.says('consuming');
    rmSync(join(robbed.journal, 'daemon.lock'));
    await expect(refuseSecond(robbed.journal)).rejects.toThrow(/in use by another kazoo-relay, which has the socket/);
    const second = startDaemon(robbed.config);
    await until(() => second.process.exitCode !== null, { what: 'its end' });
    expect(second.process.exitCode).toBe(1);
    expect(second.stderr).toMatch(/in use by another kazoo-relay/);

    const published = await publishAsKazoo(broker.url, 50);
    await until(() => robbed.lines('out.ndjson').length === 50, { what: 'the first ones' });
    await until(() => robbed.journalled() === 50, { what: 'their commit' });
    rmSync(join(robbed.journal, 'journal.sqlite'));
    published.push(...(await publishAsKazoo(broker.url, 10)));
    await first.says('journal not writable');
    expect(await askDaemon(robbed.journal, 'ready')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^the journal: .*removed, moved or replaced/)]),
    );
    expect(await askDaemon(robbed.journal, 'status')).toMatchObject({
      journal: { reason: expect.stringContaining('copy the files that it has open') },
    });
    expect(await queued()).toBe(10);
    const [commands = ''] = /cp \/proc.*?(?=; then restart)/.exec(first.stderr) ?? [];
    execFileSync('sh', ['-c', commands]);
    await first.end('SIGKILL');
    await robbed.start().says('consuming');
    await until(() => robbed.journalled() === 60, { what: 'all of them' });
    await until(() => new Set(robbed.lines('out.ndjson')).size === 60, { what: 'all deliveries' });
    expect(new Set(robbed.lines('out.ndjson'))).toEqual(new Set(published));
  });
});

describe('a daemon at its start', () => {
  test('makes a new journal where it is gone, and says so', async () => {
    const gone = toFile();
    await gone.start().says('consuming');
    const first = await publishAsKazoo(broker.url, 10);
    await until(() => gone.lines('out.ndjson').length === first.length, { what: 'the first ones' });
    await gone.daemon.end('SIGTERM');
    rmSync(gone.journal, { recursive: true });
    await gone.start().says('consuming');
    await gone.daemon.says(messages.newJournal);
    const second = await publishAsKazoo(broker.url, 10);
    await until(() => gone.lines('out.ndjson').length === 20, { what: 'the others' });
    expect(gone.lines('out.ndjson')).toEqual([...first, ...second]);
  });

  test('ends where it can begin with the journal and not go on', async () => {
    const stuck = toFile();
    await stuck.start().says('consuming');
    await stuck.daemon.end('SIGTERM');
    const database = new DatabaseSync(join(stuck.journal, 'journal.sqlite'));
    database.exec("CREATE TRIGGER broken BEFORE INSERT ON routes BEGIN SELECT RAISE(ABORT, 'not now'); END");
    database.close();
    const { process } = stuck.start();
    await until(() => process.exitCode !== null, { what: 'its end' });
    expect(process.exitCode).toBe(1);
    expect(stuck.daemon.stderr).toContain('not now');
  });

  test('runs where commands can’t reach it, and says so', async () => {
    const deaf = toFile();
    mkdirSync(join(deaf.journal, 'control.sock'), { recursive: true });
    await deaf.start().says(messages.socketFailed);
    await deaf.daemon.says('consuming');
    expect(await deaf.daemon.end('SIGTERM')).toBe(0);
  });

  test.each(['a file that is read-only', 'a folder that nobody may write to'])(
    'ends with a message for %s',
    async (what) => {
      const refused = toFile();
      await refused.start().says('consuming');
      await refused.daemon.end('SIGTERM');
      const before = statSync(join(refused.journal, 'journal.sqlite')).size;
      const target = what.startsWith('a file') ? join(refused.journal, 'journal.sqlite') : refused.journal;
      chmodSync(target, what.startsWith('a file') ? 0o400 : 0o500);
      for (const name of inside(refused.journal)) if (name !== target && what.startsWith('a folder')) rmSync(name);
      const daemon = startDaemon(refused.config, [], { privileged: false });
      await until(() => daemon.process.exitCode !== null, { what: 'its end' });
      expect(daemon.process.exitCode).toBe(1);
      expect(daemon.stderr).toMatch(
        /kazoo-relay: the (journal|lock) \/.*can't be (opened|taken).*writable for the user/,
      );
      chmodSync(refused.journal, 0o700);
      if (what.startsWith('a file')) expect(statSync(join(refused.journal, 'journal.sqlite')).size).toBe(before);
    },
  );

  test('refuses a damaged journal, and goes on with what can be read of it with --rebuild', async () => {
    const damaged = toFile();
    await damaged.start().says('consuming');
    const first = await publishAsKazoo(broker.url, 500);
    await until(() => damaged.lines('out.ndjson').length === first.length, { what: 'the first ones' });
    await damaged.daemon.end('SIGTERM');
    overwriteHeader(join(damaged.journal, 'journal.sqlite'));
    damaged.start();
    await until(() => damaged.daemon.process.exitCode !== null, { what: 'its end' });
    expect(damaged.daemon.process.exitCode).toBe(1);
    expect(damaged.daemon.stderr).toMatch(/journal\.sqlite is damaged .*kazoo-relay run --rebuild/);
    const second = await publishAsKazoo(broker.url, 10);
    await damaged.start('--rebuild').says('consuming');
    expect(damaged.daemon.stderr).toContain('"saved":500,"lost":0');
    await until(() => damaged.lines('out.ndjson').length === 510, { what: 'the others' });
    expect(damaged.lines('out.ndjson')).toEqual([...first, ...second]);
    expect(damaged.journalled()).toBe(510);
    await damaged.daemon.end('SIGTERM');
    await damaged.start('--rebuild').says('there is nothing to rebuild');
    await damaged.daemon.says('consuming');
  });
});

function toFile(journal?: string): TestRelay {
  const made = testRelay(
    broker.url,
    (path) => ({ routes: { out: { sink: { type: 'file', path: path('out.ndjson') } } } }),
    journal,
  );
  relay = made;
  return made;
}

function inside(folder: string): string[] {
  return readdirSync(folder).map((name) => join(folder, name));
}

/** Ready and unacknowledged together. */
async function queued(): Promise<number> {
  return messagesOn(broker);
}

interface Disk extends Disposable {
  readonly folder: string;
  limit(relay: TestRelay): void;
  grow(relay: TestRelay): void;
}

/** A small file system where that can be mounted, else a limit on the size of files. */
function diskOfTheJournal(): Disk {
  const mounted = mkdtempSync(join(tmpdir(), 'kazoo-relay-disk-'));
  const folder = join(mounted, 'journal');
  const disk = smallDisk(mounted, '2m');
  if (disk === undefined) return limitedFiles(mounted, folder);
  mkdirSync(folder);
  return {
    folder,
    limit: () => undefined,
    grow: () => disk.grow('64m'),
    [Symbol.dispose]() {
      disk[Symbol.dispose]();
      rmSync(mounted, { recursive: true });
    },
  };
}

function limitedFiles(mounted: string, folder: string): Disk {
  const setLimit = ({ daemon }: TestRelay, limit: string) =>
    void execFileSync('prlimit', ['--pid', String(daemon.process.pid), `--fsize=${limit}`]);
  return {
    folder,
    // Only the soft limit: who isn't root can't raise the other again.
    limit: (relay) => setLimit(relay, '1500000:'),
    grow: (relay) => setLimit(relay, 'unlimited:'),
    [Symbol.dispose]: () => rmSync(mounted, { recursive: true }),
  };
}

function overwriteHeader(file: string): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(100), 0, 100, 0);
  closeSync(descriptor);
}
