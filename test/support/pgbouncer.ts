import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { startServer, type TestServer } from './server.ts';

/** A PgBouncer in front of a PostgreSQL of a test, as its user `relay`. */
export interface TestPgBouncer extends TestServer {
  readonly url: string;
}

/**
 * @param to where the PostgreSQL is, with its user and database
 * @param pool how many connections it has there at most; fewer than its clients have, so that they get each other's
 */
export async function startPgBouncer(
  to: string,
  mode: 'session' | 'transaction' | 'statement',
  pool: number,
): Promise<TestPgBouncer> {
  const { hostname, port: target, pathname, username, password } = new URL(to);
  const database = pathname.slice(1);
  const urlOf = (port: number) => `postgres://${username}:${password}@127.0.0.1:${port}/${database}`;
  const server = await startServer({
    name: 'pgbouncer',
    async initialise(folder) {
      writeFileSync(join(folder, 'users'), `"${username}" "${password}"\n`);
    },
    command(folder, port) {
      const settings = {
        ...{ listen_addr: '127.0.0.1', listen_port: port, unix_socket_dir: '' },
        ...{ auth_type: 'scram-sha-256', auth_file: join(folder, 'users') },
        ...{ pool_mode: mode, default_pool_size: pool, server_reset_query_always: 0 },
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
      const file = join(folder, 'pgbouncer.ini');
      const databases = `${database} = host=${hostname} port=${target}`;
      writeFileSync(file, `[databases]\n${databases}\n[pgbouncer]\n${lines.join('\n')}\n`);
      return ['pgbouncer', file];
    },
    async ask(port) {
      const client = new pg.Client(urlOf(port));
      await client.connect();
      await client.query('SELECT 1').finally(() => client.end());
    },
    stopSignal: 'INT',
  });
  return { ...server, url: urlOf(server.port) };
}
