import { randomUUID } from 'node:crypto';
import { appendFileSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { makeCertificate, type Run, startServer, type TestServer } from './server.ts';
import { askHost } from './shared/ask.ts';

/** One that a test file may stop, kill and configure. */
export interface TestPostgres extends TestServer, Database {}

/** A database for one test file, which goes with `close`. */
export interface SharedPostgres extends Database {
  close(): Promise<void>;
}

interface Database {
  readonly url: string;
  /** Runs SQL as the superuser on a connection of its own, and gives the rows of the last statement. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
}

/** How to make the data of one that isn't like the others. */
export interface PostgresData {
  readonly tls?: boolean;
  /** More lines of its settings. */
  readonly settings?: string;
  /** The folder with its programs, where they aren't the machine's. */
  readonly programs?: string;
  /** Prepares the folder for its data, before that is made. */
  readonly prepare?: (folder: string) => void;
}

/** A real PostgreSQL for one test file alone. */
export function startPostgres({
  tls = false,
  settings = '',
  programs,
  prepare,
}: PostgresData = {}): Promise<TestPostgres> {
  return start(async (folder, run, bin) => {
    const data = join(folder, 'data');
    prepare?.(data);
    await run('/bin/sh', '-c', `echo geheim > ${folder}/password`);
    await run(
      join(bin, 'initdb'),
      ...['--pgdata', data, '--no-sync', '--username', 'relay', '--encoding', 'UTF8', '--locale', 'C.UTF-8'],
      ...['--auth', 'scram-sha-256', '--pwfile', join(folder, 'password')],
    );
    if (tls) await makeCertificate(folder, run);
    const ssl = tls ? `ssl = on\nssl_cert_file = '${folder}/certificate'\nssl_key_file = '${folder}/key'\n` : '';
    // What a crash of the server alone can't lose needs no fsync.
    const common = `fsync = off\nunix_socket_directories = ''\nlisten_addresses = '127.0.0.1'\n`;
    appendFileSync(join(data, 'postgresql.conf'), `${common}${ssl}${settings}`);
  }, programs);
}

/** One that follows the one at a port, until it is promoted; that knows it as `standby`. */
export function startStandby(port: number): Promise<TestPostgres> {
  return start(async (folder, run, programs) => {
    const source = `${database(port, 'postgres').url}?application_name=standby`;
    const options = ['--no-sync', '--checkpoint=fast', '--wal-method=stream', '--write-recovery-conf'];
    await run(join(programs, 'pg_basebackup'), '--dbname', source, '--pgdata', join(folder, 'data'), ...options);
  });
}

async function start(
  initialise: (folder: string, run: Run, programs: string) => Promise<void>,
  programs = findPrograms(),
): Promise<TestPostgres> {
  const server = await startServer({
    name: 'postgresql',
    initialise: (folder, run) => initialise(folder, run, programs),
    command: (folder, port) => [join(programs, 'postgres'), '-D', join(folder, 'data'), '-p', String(port)],
    ask: (port) => query(port, 'postgres', 'SELECT 1'),
    stopSignal: 'INT',
  });
  return { ...server, ...database(server.port, 'postgres') };
}

/** A role of the server, which owns what `journal.url` needs, and nothing else. */
export interface JournalRole {
  readonly name: string;
  /** Of the database, for that role. */
  readonly url: string;
  /** One of the statements that docs/operations/several-machines.md lists, for that role. */
  statement(start: string): string;
  /** With all that it owns. */
  drop(): Promise<void>;
}

/** Makes one that owns nothing yet. */
export async function makeJournalRole({ url, query: ask }: Database): Promise<JournalRole> {
  const name = `role_${randomUUID().replaceAll('-', '')}`;
  const page = readFileSync('docs/operations/several-machines.md', 'utf8').split('\n');
  const statement = (start: string) => {
    const line = page.find((one) => one.startsWith(start)) ?? '';
    return line.replace(/(?<=ROLE |AUTHORIZATION )kazoo_relay/, name).replace('secret', 'geheim');
  };
  await ask(statement('CREATE ROLE'));
  return {
    name,
    url: url.replace('//relay:', `//${name}:`),
    statement,
    drop: async () => void (await ask(`DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`)),
  };
}

/** A database of the PostgreSQL that all test files share, for one of them. */
export async function sharePostgres(): Promise<SharedPostgres> {
  const { port } = await askHost<{ port: number }>('postgresql');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(port, 'postgres', `CREATE DATABASE ${name}`);
  return {
    ...database(port, name),
    close: async () => void (await query(port, 'postgres', `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

function database(port: number, name: string): Database {
  return {
    url: `postgres://relay:geheim@127.0.0.1:${port}/${name}`,
    query: (sql, values) => query(port, name, sql, values),
  };
}

async function query(
  port: number,
  name: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'relay', password: 'geheim', database: name });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result: unknown = values.length > 0 ? await client.query(sql, [...values]) : await client.query(sql);
    // Several statements in one text give several results, whatever the types say.
    const last = Array.isArray(result) ? result.at(-1) : result;
    return last.rows;
  } finally {
    await client.end();
  }
}

function findPrograms(): string {
  const installed = globSync(['/usr/lib/postgresql/*/bin/postgres', '/usr/pgsql-*/bin/postgres']).map(dirname);
  const programs = installed.at(-1);
  if (programs !== undefined) return programs;
  throw new Error('there is no PostgreSQL on this machine: install the package postgresql');
}
