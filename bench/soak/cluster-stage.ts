import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../../test/support/postgresql.ts';
import { startProxy, type TestProxy } from '../../test/support/proxy.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { until } from '../../test/support/until.ts';
import { type Daemon, startDaemon } from '../daemon.ts';

/** All that takes part in a soak of several daemons. */
export interface ClusterStage extends AsyncDisposable {
  /** Of the broker. */
  readonly url: string;
  readonly journal: TestPostgres;
  /** What one of the sinks writes to. */
  readonly database: TestPostgres;
  /** What the other one writes, at each daemon. */
  readonly files: readonly string[];
  /** The folders in which they keep what comes in while the database is away. */
  readonly spools: readonly string[];
  /** Between all daemons and the database. */
  readonly link: TestProxy;
  daemon(name: string): Daemon;
  /** In the place of the last one of this name. */
  start(name: string): void;
  /** What SQL says of the journal. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** The daemon that has the route to the database. */
  holder(): Promise<string>;
}

const names = ['a', 'b', 'c'];

export async function openClusterStage(): Promise<ClusterStage> {
  await using things = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-soak-'));
  things.defer(() => rmSync(folder, { recursive: true }));
  const broker = await startBroker();
  things.defer(() => broker.close());
  const [journal, database] = [await startPostgres(), await startPostgres()];
  things.defer(() => database.close());
  things.defer(() => journal.close());
  const link = await startProxy(journal.port, 'anything');
  things.defer(() => link.close());
  const homes = names.map((name) => join(folder, name));
  const daemons = new Map<string, Daemon>();
  const url = journal.url.replace(`:${journal.port}/`, `:${link.port}/`);

  const start = (name: string) => {
    const home = join(folder, name);
    const routes = {
      file: { every: true, sink: { type: 'file', path: join(home, 'out.ndjson'), maxSize: '100GiB', rotate: '24d' } },
      database: { circuit: { maxPause: '2s' }, sink: { type: 'database', url: database.url } },
    };
    const settings = { name, journal: { url, schema: 'soak', spool: join(home, 'spool') } };
    daemons.set(name, startDaemon({ folder: home, urls: [broker.url], routes, settings }));
  };
  const daemon = (name: string) => {
    const found = daemons.get(name);
    if (found === undefined) throw new Error(`there is no daemon ${name}`);
    return found;
  };
  const rows = (sql: string) => journal.query(`SET search_path = soak; ${sql}`);
  const holder = async () => {
    const [row] = await rows(
      `SELECT d.name FROM routes r JOIN daemons d ON d.holder = r.holder WHERE r.route = 'database' AND is_alive(r.holder)`,
    ).catch(() => []);
    return row === undefined ? null : String(row.name);
  };
  for (const home of homes) mkdirSync(home);
  things.defer(async () => {
    for (const one of daemons.values()) {
      // One that was stopped hears no other signal.
      one.process.kill('SIGCONT');
      await one.end('SIGKILL');
    }
  });
  for (const name of names) {
    start(name);
    await daemon(name).says('"consuming"');
  }
  const owned = things.move();
  return {
    ...{ url: broker.url, journal, database, link, daemon, start, rows },
    files: homes.map((home) => join(home, 'out.ndjson')),
    spools: homes.map((home) => join(home, 'spool')),
    holder: () => until(holder, { what: 'a daemon to have the route', interval: 5 }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
