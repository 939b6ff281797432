import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestPostgres } from '../../test/support/postgresql.ts';
import { until } from '../../test/support/until.ts';
import { type Daemon, startDaemon } from '../daemon.ts';

/** Daemons that share a journal in a schema of their own. */
export interface SharingDaemons {
  readonly schema: string;
  readonly daemons: readonly Daemon[];
  /** Waits until all of their routes have settled so many more than there were. */
  settled(items: number): Promise<void>;
  /** Ends them, and removes what they have left. */
  close(): Promise<void>;
}

interface SharingOptions {
  readonly postgres: TestPostgres;
  /** Holds what is theirs. */
  readonly folder: string;
  /** Of the broker from which the daemon takes. */
  readonly urlOf: (name: string) => string;
  readonly names: readonly string[];
  readonly routes: object;
  /** A journal that is there already, and stays. */
  readonly schema?: string;
}

let made = 0;

/** Starts them all at once; resolves when the first one consumes. */
export async function startSharing(options: SharingOptions): Promise<SharingDaemons> {
  const { postgres, folder, urlOf, names, routes } = options;
  made += 1;
  const schema = options.schema ?? `bench_${made}`;
  const home = mkdtempSync(join(folder, 'daemons-'));
  const daemons: Daemon[] = [];
  const [row] =
    options.schema === undefined ? [] : await postgres.query(`SELECT max(last) AS head FROM ${schema}.appends`);
  const head = Number(row?.head ?? 0);
  const query = (sql: string) => postgres.query(`SET search_path = ${schema}; ${sql}`);
  const sharing: SharingDaemons = {
    schema,
    daemons,
    async settled(items) {
      const behind = `SELECT FROM routes r, LATERAL (SELECT cursor FROM progress p WHERE p.route = r.route
        ORDER BY epoch DESC, n DESC LIMIT 1) newest WHERE newest.cursor < ${head + items}`;
      const done = until(async () => (await query(behind)).length === 0, {
        what: 'all to be settled',
        interval: 20,
        timeout: 600_000,
      });
      await Promise.race([done, ...daemons.map(({ ended }) => ended)]);
    },
    async close() {
      for (const daemon of daemons) await daemon.stop();
      if (options.schema === undefined) await postgres.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      rmSync(home, { recursive: true });
    },
  };
  try {
    for (const name of names) {
      const own = join(home, name);
      mkdirSync(own);
      const journal = { url: postgres.url, schema, spool: join(own, 'spool'), maxSize: '100GiB' };
      daemons.push(
        startDaemon({
          folder: own,
          urls: [urlOf(name)],
          routes,
          settings: { name, journal },
        }),
      );
    }
    await Promise.race(daemons.map((daemon) => daemon.says('"consuming"')));
  } catch (error) {
    await sharing.close();
    throw error;
  }
  return sharing;
}
