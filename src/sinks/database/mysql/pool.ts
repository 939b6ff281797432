import { connect } from 'node:net';
import mysql from 'mysql2/promise';
import type { Logger } from 'pino';
import { reasonOf } from '../../../common/errors.ts';
import { addressAttemptTimeout } from '../../../common/net/addresses.ts';
import type { DatabaseSinkOptions } from '../options.ts';
import type { Server, TlsOptions } from '../server.ts';

/** Connections to a server, made when they are needed. */
export function createPool(
  { host, port, user, password, database }: Server,
  tls: TlsOptions | undefined,
  { connections, statementTimeout }: DatabaseSinkOptions,
  log: Logger,
): mysql.Pool {
  const pool = mysql.createPool({
    // Checking a certificate's name needs the host, though the stream is ours.
    ...(host.startsWith('/')
      ? { socketPath: host }
      : {
          host,
          stream: () =>
            connect({ host, port, keepAlive: true, noDelay: true, ...addressAttemptTimeout(statementTimeout) }),
        }),
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
    connection.on('error', (error) => log.debug({ reason: reasonOf(error) }, 'a connection was lost'));
  });
  return pool;
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
export function settings(statementTimeout: number, factor: number): string {
  const seconds = Math.max(1, Math.ceil((statementTimeout * 0.8) / 1000));
  return (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, " +
    `innodb_lock_wait_timeout = ${seconds}, lock_wait_timeout = ${seconds} ` +
    `/*M! , max_statement_time = ${(statementTimeout * factor) / 1000} */`
  );
}
