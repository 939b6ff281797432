import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import type { Logger } from 'pino';
import { unlessAborted } from '../../../common/async/abort.ts';
import { reasonOf } from '../../../common/errors.ts';
import { addressAttemptTimeout } from '../../../common/net/addresses.ts';
import {
  mayBePlain,
  type Server,
  serverAddress,
  type TlsOptions,
  tlsOptions,
} from '../../../common/net/database-url.ts';
import {
  type Database,
  ddlTimeoutFactor,
  deleteBatchSize,
  deletePause,
  type TableInfo,
  timeoutMargin,
} from '../dialect.ts';
import type { ClassifiedError } from '../errors.ts';
import type { DatabaseSinkOptions } from '../options.ts';
import type { ColumnValue, Row } from '../row.ts';
import { identifierList, qualified } from '../schema.ts';
import { Sockets } from '../sockets.ts';
import type { Table } from '../table.ts';
import { classifyError, isDuplicate, isUnfilled, isUsableAfter, withoutValues } from './errors.ts';
import { grammar } from './grammar.ts';
import { introspect, migrationObstacle } from './introspect.ts';

export class MysqlDatabase implements Database {
  readonly displayName: string;
  readonly classifyError: (error: unknown) => ClassifiedError = classifyError;
  readonly #table: Table;
  readonly #options: DatabaseSinkOptions;
  readonly #server: Server;
  readonly #log: Logger;
  readonly #insert: string;
  readonly #sockets = new Sockets();
  #pool: mysql.Pool | undefined;
  /** Names of those that the table had when it was last seen. */
  #columns: readonly string[] = [];

  constructor(options: DatabaseSinkOptions, server: Server, table: Table, log: Logger) {
    this.#options = options;
    this.#server = server;
    this.#table = table;
    this.#log = log;
    const { protocol } = new URL(options.url);
    this.displayName = `${protocol === 'mariadb:' ? 'MariaDB' : 'MySQL'} at ${serverAddress(server)}`;
    const names = table.columns.map(({ name }) => name);
    this.#insert = `INSERT INTO ${qualified(table, grammar)} (${identifierList(names, grammar)}) VALUES ?`;
  }

  async introspect(): Promise<TableInfo | undefined> {
    const found = await this.#connected((connection) => introspect(connection, this.#table));
    if (found !== undefined) this.#columns = [...found.columns.keys()];
    return found;
  }

  async migrationObstacle(found: TableInfo | undefined): Promise<string | undefined> {
    // Whether he may change one that is there, only a try would show.
    if (found !== undefined) return undefined;
    return this.#connected((connection) => migrationObstacle(connection, this.#table), { isLast: true });
  }

  /** DDL ends every transaction here, so the lock belongs to the connection, which is closed behind it. */
  migrate(statementsFor: (found: TableInfo | undefined) => readonly string[]): Promise<void> {
    const { statementTimeout } = this.#options;
    return this.#connected(
      async (connection) => {
        const [[lock]] = await connection.query<mysql.RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS held', [
          'kazoo-relay',
          Math.ceil(statementTimeout / 1000),
        ]);
        if (lock?.held !== 1) throw new Error('another daemon is changing the database');
        for (const statement of statementsFor(await introspect(connection, this.#table)))
          await connection.query(statement);
      },
      { factor: ddlTimeoutFactor, isLast: true },
    );
  }

  async insert(rows: readonly Row[], signal: AbortSignal): Promise<void> {
    try {
      await this.#connected((connection) => this.#insertNew(connection, rows), { signal });
    } catch (error) {
      // It may be about a column that somebody has added since.
      if (isUnfilled(error)) await this.introspect().catch(() => undefined);
      throw withoutValues(error, this.#columns);
    }
  }

  async maintain(cutoff: number | undefined, signal: AbortSignal): Promise<void> {
    if (cutoff === undefined) return;
    const statement = `DELETE FROM ${qualified(this.#table, grammar)} WHERE occurred_at < ? ORDER BY occurred_at LIMIT ?`;
    for (;;) {
      const [result] = await this.#connected(
        (connection) =>
          connection.query<mysql.ResultSetHeader>(statement, [
            datetime(new Date(cutoff).toISOString()),
            deleteBatchSize,
          ]),
        { signal },
      );
      if (result.affectedRows < deleteBatchSize) return;
      await delay(deletePause, undefined, { signal });
    }
  }

  close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    return this.#sockets.close(() => pool?.end());
  }

  /**
   * There is no ON CONFLICT that would be about the id alone: IGNORE hides every mistake of a row. So only when a row
   * is there already, the ids that are there are looked up and left out. What is still a duplicate then is so by
   * another unique index.
   */
  async #insertNew(connection: mysql.PoolConnection, rows: readonly Row[]): Promise<void> {
    const pending = new Map(rows.map((row) => [row.id, row]));
    for (;;) {
      try {
        const values = [...pending.values()].map((row) =>
          row.values.map((value, index) => this.#sqlValue(value, index)),
        );
        if (values.length > 0) await connection.query(this.#insert, [values]);
        return;
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        const there = await this.#idsThere(connection, [...pending.keys()]);
        for (const id of there) pending.delete(id);
        if (there.length === 0) throw error;
      }
    }
  }

  async #idsThere(connection: mysql.PoolConnection, ids: readonly string[]): Promise<string[]> {
    const [key = ''] = this.#table.key;
    const [rows] = await connection.query<mysql.RowDataPacket[]>(
      `SELECT ${grammar.quote(key)} AS id FROM ${qualified(this.#table, grammar)} WHERE ${grammar.quote(key)} IN (?)`,
      [ids],
    );
    return rows.map(({ id }) => String(id));
  }

  #sqlValue(value: ColumnValue, index: number): ColumnValue {
    return typeof value === 'string' && this.#table.columns[index]?.type === 'timestamp' ? datetime(value) : value;
  }

  /** Does the work on one connection, with a deadline. One that fails is not used again, nor one that holds something. */
  async #connected<T>(
    work: (connection: mysql.PoolConnection) => Promise<T>,
    { signal, factor = 1, isLast = false }: { signal?: AbortSignal; factor?: number; isLast?: boolean } = {},
  ): Promise<T> {
    const given = AbortSignal.any([this.#sockets.closing, ...(signal ? [signal] : [])]);
    const connection = await this.#connect(given);
    const late = AbortSignal.any([given, AbortSignal.timeout(this.#options.statementTimeout * factor + timeoutMargin)]);
    const within = <R>(promise: Promise<R>) => unlessAborted(promise, late);
    try {
      await within(connection.query(settings(this.#options.statementTimeout, factor)));
      const result = await within(work(connection));
      if (isLast) connection.destroy();
      else connection.release();
      return result;
    } catch (error) {
      if (isUsableAfter(error)) connection.release();
      else connection.destroy();
      throw error;
    }
  }

  async #connect(signal: AbortSignal): Promise<mysql.PoolConnection> {
    signal.throwIfAborted();
    this.#pool ??= this.#createPool(tlsOptions(this.#server));
    const connected = (pool: mysql.Pool) =>
      unlessAborted(pool.getConnection(), signal, (connection) => connection.destroy());
    try {
      return await connected(this.#pool);
    } catch (error) {
      if (!mayBePlain(this.#server) || classifyError(error).code !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error;
      await this.#pool.end().catch(() => undefined);
      this.#pool = this.#createPool(undefined);
      return connected(this.#pool);
    }
  }

  /** Connections to the server, made when they are needed. */
  #createPool(tls: TlsOptions | undefined): mysql.Pool {
    const { host, port, user, password, database } = this.#server;
    const { connections, statementTimeout } = this.#options;
    const isLocal = host.startsWith('/');
    const where = isLocal ? { path: host } : { host, port, ...addressAttemptTimeout(statementTimeout) };
    const pool = mysql.createPool({
      // How it logs in, and whose certificate it wants, depends on the host, though the stream is ours.
      ...(isLocal ? { socketPath: host } : { host }),
      stream: () => this.#sockets.add(connect({ ...where, keepAlive: true, noDelay: true })),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(database === undefined ? {} : { database }),
      ...(tls === undefined ? {} : { ssl: sslOf(tls) }),
      charset: 'utf8mb4',
      // One more, so that tidying never waits for deliveries nor they for it.
      connectionLimit: connections + 1,
      connectTimeout: statementTimeout,
      idleTimeout: 10_000,
      maxIdle: 0,
    });
    pool.on('connection', (connection) => {
      connection.on('error', (error) => this.#log.debug({ reason: reasonOf(error) }, 'a connection was lost'));
    });
    return pool;
  }
}

/** `2026-11-24 10:00:00.000` for a time in RFC 3339 and UTC; the server refuses anything else. */
function datetime(time: string): string {
  return time.replace(/^(\d{4}-\d{2}-\d{2})T([\d:.]+)Z$/, '$1 $2');
}

function sslOf({ ca, cert, key, rejectUnauthorized, checksName }: TlsOptions): mysql.SslOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized,
    verifyIdentity: checksName,
  };
}

/** Strict, so that what doesn't fit is refused and not cut; MariaDB has a deadline for statements too. */
function settings(statementTimeout: number, factor: number): string {
  const seconds = Math.max(1, Math.ceil((statementTimeout * 0.8) / 1000));
  return (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, " +
    `innodb_lock_wait_timeout = ${seconds}, lock_wait_timeout = ${seconds} ` +
    `/*M! , max_statement_time = ${(statementTimeout * factor) / 1000} */`
  );
}
