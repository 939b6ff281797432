import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { openJournalReader } from '../support/journal.ts';
import { onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';

let broker: SharedBroker;
let folder: string;
let daemon: Daemon | undefined;

beforeAll(async () => {
  broker = await shareBroker();
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-daemon-'));
});

afterAll(async () => {
  await daemon?.end('SIGKILL');
  await broker.close();
  rmSync(folder, { recursive: true });
});

describe('the daemon', () => {
  test('takes notifications to each sink that wants them, quarantines what is invalid, and stops cleanly', async () => {
    const config = writeConfig('whole', {
      everything: { sink: { type: 'log' } },
      balances: {
        events: ['low_balance'],
        accounts: ['a1'],
        sink: { type: 'file', path: path('whole', 'balances.ndjson') },
      },
      invalid: { invalid: 'deliver', sink: { type: 'file', path: path('whole', 'invalid.ndjson') } },
    });
    daemon = startDaemon(config);
    await daemon.says('consuming');
    await publishAsKazoo(broker.url, 1, { Preview: true });
    const [mine] = await publishAsKazoo(broker.url, 1, { 'Account-ID': 'a1' });
    const [other] = await publishAsKazoo(broker.url, 1, { 'Account-ID': 'a2' });
    const [broken] = await publishAsKazoo(broker.url, 1, { 'Account-ID': 'a1', 'Current-Balance': 'much' });
    await until(() => messageIds('whole', 'invalid.ndjson').length === 3, { what: 'three lines' });
    await until(() => daemon?.stdout.split('\n').length === 3, { what: 'two lines on stdout' });
    expect(messageIds('whole', 'invalid.ndjson')).toEqual([mine, other, broken]);
    expect(messageIds('whole', 'balances.ndjson')).toEqual([mine]);
    expect(
      daemon.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).data.msg_id),
    ).toEqual([mine, other]);
    expect(await daemon.end('SIGTERM')).toBe(0);
    expect(daemon.stderr).toContain('"stopped"');
    expect(daemon.stderr).not.toContain('guest:guest');
  });

  test('loses nothing and journals nothing twice while it is killed again and again', async () => {
    const config = writeConfig('killed', {
      archive: { sink: { type: 'file', path: path('killed', 'archive.ndjson') } },
    });
    const count = 12_000;
    const published: string[] = [];
    daemon = startDaemon(config);
    // Before its queue is bound, nobody keeps what is published.
    await daemon.says('consuming');
    const publishing = (async () => {
      while (published.length < count) published.push(...(await publishAsKazoo(broker.url, 200)));
    })();
    for (let kill = 0; kill < 6; kill += 1) {
      await daemon.says('consuming');
      const before = published.length;
      const some = Math.random() * 1_000;
      await until(() => published.length >= Math.min(count, before + some), {
        what: 'some more notifications',
        timeout: 60_000,
      });
      await daemon.end('SIGKILL');
      daemon = startDaemon(config);
    }
    await publishing;
    await until(() => new Set(messageIds('killed', 'archive.ndjson')).size >= count, {
      what: 'every notification in the file',
      timeout: 60_000,
    });
    expect(await daemon.end('SIGTERM')).toBe(0);

    const journal = await openJournalReader(path('killed', 'journal'));
    const journalled = (await journal.find({ after: 0, limit: count * 2 })).map(({ data }) => String(data?.msg_id));
    await journal.close();
    expect(journalled).toHaveLength(published.length);
    expect(new Set(journalled)).toEqual(new Set(published));
    expect(new Set(messageIds('killed', 'archive.ndjson'))).toEqual(new Set(published));
    const { messageCount } = await onChannel(broker.url, (channel) => channel.checkQueue('kazoo-relay'));
    expect(messageCount).toBe(0);
  });

  test('delivers by webhook through outages of the receiver and its own death, each account in its order', async () => {
    const taken: { account: string; id: string }[] = [];
    let isUp = true;
    const receiver = await startReceiver(({ body }) => {
      if (!isUp) return 503;
      const { account_id: account, data } = JSON.parse(body);
      if (data.current_balance === 13) return { status: 422, body: 'unlucky' };
      taken.push({ account, id: data.msg_id });
      return 200;
    });
    const config = writeConfig('webhook', {
      crm: {
        order: 'account',
        retry: { schedule: ['50ms', '50ms', '50ms'] },
        circuit: { maxPause: '200ms' },
        sink: { type: 'webhook', url: receiver.url },
      },
    });
    daemon = startDaemon(config);
    await daemon.says('consuming');
    const published = new Map<string, string[]>();
    const publish = async () => {
      for (const account of ['a', 'b', 'c']) {
        const ids = await publishAsKazoo(broker.url, 20, { 'Account-ID': account });
        published.set(account, [...(published.get(account) ?? []), ...ids]);
      }
    };
    await publish();
    isUp = false;
    await publish();
    await daemon.says('sink unavailable');
    isUp = true;
    await publish();
    await daemon.end('SIGKILL');
    const [unlucky] = await publishAsKazoo(broker.url, 1, { 'Account-ID': 'a', 'Current-Balance': 13 });
    daemon = startDaemon(config);
    await publish();
    await until(() => new Set(taken.map(({ id }) => id)).size === 240, { what: 'every notification' });
    for (const [account, ids] of published) {
      const order = taken.filter((arrival) => arrival.account === account).map(({ id }) => id);
      expect([...new Set(order)]).toEqual(ids);
    }
    expect(taken.map(({ id }) => id)).not.toContain(unlucky);
    expect(await daemon.end('SIGTERM')).toBe(0);
    await receiver.close();
    const journal = await openJournalReader(path('webhook', 'journal'));
    const { routes } = await journal.summary();
    await journal.close();
    expect(routes).toMatchObject([{ name: 'crm', waiting: 0, dead: 1, lag: { messages: 0 } }]);
  });

  test('delivers nothing twice because of a clean stop', async () => {
    const config = writeConfig('stopped', {
      archive: { sink: { type: 'file', path: path('stopped', 'archive.ndjson') } },
    });
    const published: string[] = [];
    const publishing = (async () => {
      while (published.length < 4_000) published.push(...(await publishAsKazoo(broker.url, 100)));
    })();
    for (let stop = 0; stop < 4; stop += 1) {
      daemon = startDaemon(config);
      await daemon.says('consuming');
      const before = published.length;
      await until(() => published.length >= Math.min(4_000, before + 500), { what: 'some more notifications' });
      expect(await daemon.end('SIGTERM')).toBe(0);
    }
    daemon = startDaemon(config);
    await daemon.says('consuming');
    await publishing;
    await until(() => messageIds('stopped', 'archive.ndjson').length >= published.length, { what: 'every line' });
    expect(await daemon.end('SIGINT')).toBe(0);
    expect(messageIds('stopped', 'archive.ndjson').toSorted()).toEqual(published.toSorted());
  });
});

function path(name: string, file: string): string {
  return join(folder, name, file);
}

function writeConfig(name: string, routes: object): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    stringify({
      brokers: [{ zone: 'west', url: broker.url }],
      journal: { path: path(name, 'journal') },
      http: { listen: 'off' },
      log: { format: 'json' },
      routes,
    }),
  );
  return file;
}

/** The `msg_id` of each whole line. */
function messageIds(name: string, file: string): string[] {
  let text: string;
  try {
    text = readFileSync(path(name, file), 'utf8');
  } catch {
    return [];
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).data.msg_id);
}
