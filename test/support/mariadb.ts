import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { makeCertificate, startServer, type TestServer } from './server.ts';

export interface TestMariadb extends TestServer {
  readonly url: string;
  /** Runs SQL on a connection of its own, and gives the rows of the last statement. */
  query(sql: string): Promise<Record<string, unknown>[]>;
}

/** A real MariaDB for one test file. */
export async function startMariadb({ tls = false } = {}): Promise<TestMariadb> {
  const query = async (port: number, sql: string) => {
    const connection = await mysql.createConnection({
      host: '127.0.0.1',
      port,
      user: 'relay',
      password: 'geheim',
      database: 'notifications',
      multipleStatements: true,
      timezone: 'Z',
    });
    connection.on('error', () => undefined);
    try {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(sql);
      return rows;
    } finally {
      connection.destroy();
    }
  };
  const server = await startServer({
    name: 'mariadb',
    async initialise(folder, run) {
      if (tls) await makeCertificate(folder, run);
      writeFileSync(join(folder, 'setup.sql'), setup);
      const options = ['--skip-test-db', '--skip-name-resolve', '--auth-root-authentication-method=normal'];
      await run('mariadb-install-db', '--no-defaults', `--datadir=${folder}/data`, ...options);
    },
    command: (folder, port) => [
      'mariadbd',
      '--no-defaults',
      `--datadir=${folder}/data`,
      `--tmpdir=${folder}`,
      `--init-file=${folder}/setup.sql`,
      `--socket=${folder}/socket`,
      `--pid-file=${folder}/pid`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      ...(tls ? [`--ssl-cert=${folder}/certificate`, `--ssl-key=${folder}/key`] : []),
      // What a crash of the server alone can't lose needs no fsync.
      '--innodb-flush-log-at-trx-commit=2',
      '--innodb-buffer-pool-size=32M',
    ],
    ask: (port) => query(port, 'SELECT 1'),
    stopSignal: 'TERM',
  });
  return {
    ...server,
    url: `mariadb://relay:geheim@127.0.0.1:${server.port}/notifications`,
    query: (sql) => query(server.port, sql),
  };
}

/** Runs at every start. */
const setup = `
CREATE DATABASE IF NOT EXISTS notifications;
CREATE USER IF NOT EXISTS relay@'127.0.0.1' IDENTIFIED BY 'geheim';
GRANT ALL ON *.* TO relay@'127.0.0.1' WITH GRANT OPTION;
`;
