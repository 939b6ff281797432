import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { publishAsKazoo } from './kazoo.ts';
import { type OrderReceiver, startOrderReceiver } from './order-receiver.ts';
import { type SharedBroker, shareBroker } from './rabbitmq.ts';
import { type TestRelay, testRelay } from './relay.ts';
import { until } from './until.ts';

/** Daemons that share a journal in a PostgreSQL, take from two brokers, and deliver to one receiver. */
export interface RelayCluster {
  readonly brokers: readonly [SharedBroker, SharedBroker];
  readonly receiver: OrderReceiver;
  /** The `msg_id` of all that was published. */
  readonly published: readonly string[];
  /** One that isn't started yet. @param journal what of `journal` is its own */
  add(name: string, journal?: object): TestRelay;
  daemon(name: string): TestRelay;
  /** Gives its route another name, for its next start. */
  rename(name: string, to: string): void;
  /** Publishes for some accounts, at both brokers in turn. */
  publish(count: number): Promise<void>;
  /** These were published too. */
  sent(ids: readonly string[]): void;
  /** Waits until so many more have arrived. */
  moreArrive(count: number): Promise<void>;
  /** Publishes a few each time that the journal has taken those before, until it is told to stop. */
  publishing(): { stop(): Promise<void> };
  /** The name of the daemon that has the route, or null. */
  holder(): Promise<string | null>;
  /** Waits until one of the daemons has it that isn't this one. */
  takenOver(from: string | null): Promise<string>;
  /** Whether some daemon has something in its spool. */
  spooled(): boolean;
  /** What is saved as delivered by now must not come again. */
  mark(): Promise<void>;
  /** Waits until all that was published has been received, and is saved as that. */
  allDone(): Promise<void>;
  /** How many came more than once. @throws where one is missing, one that was saved came again, or an account's order is broken */
  verify(): Promise<number>;
  /** What SQL says of the journal. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** Another daemon has claimed the route, at a time of the database, which is this machine's. */
interface TakeOver {
  readonly from: string | null;
  readonly to: string;
  readonly at: number;
}

interface Mark {
  readonly saved: ReadonlySet<string>;
  readonly counts: ReadonlyMap<string, number>;
}

interface ClusterDatabase {
  /** For the daemons. */
  readonly url: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
}

interface ClusterOptions {
  /** For the test itself; it may be another server by now. */
  readonly database: () => ClusterDatabase;
  readonly concurrency?: number;
  /** In the place of the usual ones; it is closed with the cluster. */
  readonly first?: SharedBroker;
}

/** How many deliveries a daemon may have told nobody of: what is in flight, and what it saves within some milliseconds. */
export const unsaved = 200;

/** The only route. */
const route = 'hook';
const retry = { schedule: ['50ms', '50ms', '50ms', '1s', '1s'] };
const accounts = Array.from({ length: 8 }, () => randomUUID().replaceAll('-', ''));

export async function startCluster({ database, concurrency = 8, first }: ClusterOptions): Promise<RelayCluster> {
  const brokers = [first ?? (await shareBroker()), await shareBroker()] as [SharedBroker, SharedBroker];
  const receiver = await startOrderReceiver();
  const relays = new Map<string, TestRelay>();
  const published: string[] = [];
  // Of each test its own.
  const schema = `cluster_${randomUUID().slice(0, 8)}`;
  const marks: Mark[] = [];
  const takeOvers: TakeOver[] = [];
  const sink = { type: 'webhook', url: receiver.url, concurrency };
  const query = (sql: string) => database().query(`SET search_path = ${schema}; ${sql}`);
  const number = async (sql: string) => Number(Object.values((await query(sql))[0] ?? {})[0]);

  const cluster: RelayCluster = {
    brokers,
    receiver,
    published,
    add(name, journal = {}) {
      const relay = testRelay(brokers[0].url, (path) => ({
        name,
        brokers: brokers.map((broker, index) => ({ zone: `zone${index}`, url: broker.url })),
        queue: { consumers: 3 },
        journal: { url: database().url, schema, spool: path('spool'), ...journal },
        routes: { [route]: { sink: { ...sink, headers: { 'X-Daemon': name } }, order: 'account', retry } },
      }));
      relays.set(name, relay);
      return relay;
    },
    daemon(name) {
      const relay = relays.get(name);
      if (relay === undefined) throw new Error(`there is no daemon ${name}`);
      return relay;
    },
    rename(name, to) {
      const { config } = cluster.daemon(name);
      writeFileSync(config, readFileSync(config, 'utf8').replace(`  ${route}:`, `  ${to}:`));
    },
    async publish(count) {
      for (let left = count, turn = 0; left > 0; left -= 25, turn += 1) {
        const parts = { 'Account-ID': accounts[turn % accounts.length] };
        const broker = turn % 2 === 0 ? brokers[0] : brokers[1];
        published.push(...(await publishAsKazoo(broker.url, Math.min(25, left), parts)));
      }
    },
    sent: (ids) => void published.push(...ids),
    async moreArrive(count) {
      const before = receiver.ids.size;
      await until(() => receiver.ids.size >= before + count, { what: `${count} more to arrive`, interval: 5 });
    },
    publishing() {
      const stopping = new AbortController();
      const running = (async () => {
        // No more than the queues hold, and the receiver is never far behind.
        while (!stopping.signal.aborted) {
          await until(() => stopping.signal.aborted || published.length - receiver.ids.size < 500, { what: 'room' });
          await cluster.publish(50);
        }
      })();
      return {
        async stop() {
          stopping.abort();
          await running;
        },
      };
    },
    async holder() {
      const [row] = await query(
        `SELECT d.name FROM routes r JOIN daemons d ON d.holder = r.holder WHERE r.route = '${route}'`,
      );
      return row === undefined ? null : String(row.name);
    },
    async takenOver(from) {
      const another = async () => {
        const [row] = await query(
          `SELECT d.name, r.since FROM routes r JOIN daemons d ON d.holder = r.holder WHERE r.route = '${route}'`,
        );
        return row !== undefined && row.name !== from && row;
      };
      const { name, since } = await until(another, { what: `another daemon than ${from} to have the route` });
      takeOvers.push({ from, to: String(name), at: Number(since) });
      return String(name);
    },
    spooled: () => [...relays.values()].some((relay) => relay.spooled() > 0),
    async mark() {
      const rows = await query(`
        WITH newest AS (SELECT cursor, ahead FROM progress WHERE route = '${route}' ORDER BY epoch DESC, n DESC LIMIT 1)
        SELECT id FROM entries, newest WHERE (seq <= cursor OR seq = ANY (ahead))
          AND NOT EXISTS (SELECT FROM deliveries d WHERE d.route = '${route}' AND d.seq = entries.seq)`);
      marks.push({ saved: new Set(rows.map(({ id }) => String(id))), counts: new Map(receiver.ids) });
    },
    async allDone() {
      await until(() => published.every((id) => receiver.messages.has(id)), { what: 'all to arrive', interval: 100 });
      const behind = `SELECT (SELECT max(last) FROM appends) -
        (SELECT cursor FROM progress WHERE route = '${route}' ORDER BY epoch DESC, n DESC LIMIT 1)`;
      await until(async () => (await number(behind)) === 0, { what: 'all to be saved', interval: 50 });
    },
    async verify() {
      expect(published.filter((id) => !receiver.messages.has(id))).toEqual([]);
      for (const { saved, counts } of marks) {
        const again = [...saved].filter((id) => receiver.ids.get(id) !== counts.get(id));
        expect(again).toEqual([]);
      }
      for (const [index, { from, at }] of takeOvers.entries()) {
        const again = takeOvers.slice(index + 1).find(({ to }) => to === from)?.at ?? Number.POSITIVE_INFINITY;
        const late = receiver.arrivals.filter(
          (arrival) => arrival.from === from && arrival.at > at && arrival.at < again,
        );
        // What was on its way can't be called back.
        expect(late.length).toBeLessThanOrEqual(concurrency);
      }
      const rows = await query('SELECT id, seq FROM entries');
      const places = new Map(rows.map(({ id, seq }) => [String(id), Number(seq)]));
      for (const ids of receiver.byAccount.values()) {
        const order = ids.map((id) => places.get(id));
        expect(order).toEqual(order.toSorted((one, other) => Number(one) - Number(other)));
      }
      return [...receiver.ids.values()].filter((count) => count > 1).length;
    },
    rows: query,
    async close() {
      for (const relay of relays.values()) {
        // One that was stopped by a signal hears no other.
        if (relay.isStarted) relay.daemon.process.kill('SIGCONT');
        await relay.close();
      }
      await receiver.close();
      for (const broker of brokers) await broker.close();
    },
  };
  return cluster;
}
