import { Socket } from 'node:net';
import pg from 'pg';
import type { Logger } from 'pino';
import { unlessAborted } from '../../../common/async/abort.ts';
import { reasonOf } from '../../../common/errors.ts';
import { addressAttemptTimeout } from '../../../common/net/addresses.ts';
import { type Database, ddlTimeoutFactor, type TableInfo, timeoutMargin } from '../dialect.ts';
import type { ClassifiedError } from '../errors.ts';
import type { DatabaseSinkOptions } from '../options.ts';
import type { Row } from '../row.ts';
import { qualified } from '../schema.ts';
import { mayBePlain, type Server, serverAddress, tlsOptions } from '../server.ts';
import type { Table } from '../table.ts';
import { classifyError, withoutValues } from './errors.ts';
import { grammar } from './grammar.ts';
import { createInsert, type Insert } from './insert.ts';
import { maintain } from './maintain.ts';
import { begin, columnsQuery, indexesQuery, ourLock, rightsQuery, type Transaction, tableQuery } from './statements.ts';

/**
 * PostgreSQL, also behind a PgBouncer in transaction mode: nothing here outlives its transaction, no setting, no lock
 * and no named statement, and no parameter is sent at the start of a connection that PgBouncer doesn't know.
 */
export class PostgresDatabase implements Database {
  readonly displayName: string;
  readonly #table: Table;
  readonly #options: DatabaseSinkOptions;
  readonly #server: Server;
  readonly #log: Logger;
  #pool: pg.Pool | undefined;
  /** Derived from the table as it was last seen. */
  #insert: Insert | undefined;

  constructor(options: DatabaseSinkOptions, server: Server, table: Table, log: Logger) {
    this.#options = options;
    this.#server = server;
    this.#table = table;
    this.#log = log;
    this.displayName = `PostgreSQL at ${serverAddress(server)}`;
  }

  introspect(): Promise<TableInfo | undefined> {
    return this.#transaction((transaction) => this.#introspect(transaction));
  }

  async migrationObstacle(): Promise<string | undefined> {
    const { schema, name } = this.#table;
    const { rows } = await this.#transaction((transaction) =>
      transaction.query<Rights>(rightsQuery, [qualified(this.#table, grammar), schema ?? null]),
    );
    const [rights] = rows;
    if (!rights?.schema) return "no schema of this user's search_path is there";
    if (rights.mayCreate === null) return `there is no schema ${rights.schema}`;
    if (!rights.mayCreate) {
      return `this user may make nothing in the schema ${rights.schema} (GRANT CREATE ON SCHEMA ${rights.schema} TO …)`;
    }
    return rights.isOwner === false ? `the table belongs to another user (ALTER TABLE ${name} OWNER TO …)` : undefined;
  }

  migrate(statementsFor: (found: TableInfo | undefined) => readonly string[]): Promise<void> {
    return this.#transaction(
      async (transaction) => {
        await transaction.query('SELECT pg_advisory_xact_lock($1)', [ourLock]);
        for (const statement of statementsFor(await this.#introspect(transaction))) await transaction.query(statement);
      },
      { factor: ddlTimeoutFactor },
    );
  }

  async insert(rows: readonly Row[], signal: AbortSignal): Promise<void> {
    const insert = this.#insert;
    if (insert === undefined) throw new Error('there is no table');
    const parameters = insert.parametersOf(rows);
    try {
      await this.#transaction((transaction) => transaction.query(insert.text, parameters), { signal });
    } catch (error) {
      throw withoutValues(error);
    }
  }

  classifyError(error: unknown): ClassifiedError {
    return classifyError(error, this.#table.columns);
  }

  maintain(cutoff: number | undefined, signal: AbortSignal): Promise<void> {
    return maintain({
      table: this.#table,
      cutoff,
      signal,
      mayChange: this.#options.migrate,
      log: this.#log,
      transaction: (work) => this.#transaction(work, { signal, factor: ddlTimeoutFactor }),
    });
  }

  async close(): Promise<void> {
    await this.#pool?.end();
    this.#pool = undefined;
  }

  /** What is there of the table. From its columns' types follows how rows are inserted. */
  async #introspect(transaction: Transaction): Promise<TableInfo | undefined> {
    const name = qualified(this.#table, grammar);
    const { rows: columns } = await transaction.query<{ name: string; type: string }>(columnsQuery, [name]);
    if (columns.length === 0) return undefined;
    const { rows: indexes } = await transaction.query<{ unique: boolean; columns: string[] }>(indexesQuery, [name]);
    const { rows: tables } = await transaction.query<TableRow>(tableQuery, [name]);
    const found = { columns: new Map(columns.map(({ name, type }) => [name, type])), indexes };
    this.#insert = createInsert(this.#table, found.columns);
    const [{ kind, privileges, requiredWithoutDefault = [] } = {}]: Partial<TableRow>[] = tables;
    return { ...found, partitioned: kind === 'p', privileges, requiredWithoutDefault };
  }

  /**
   * Does the work in one transaction, with a deadline in the server for each statement and one here for the whole. A
   * connection that fails is not used again: behind its address there may be another server by now.
   */
  async #transaction<T>(
    work: (transaction: Transaction) => Promise<T>,
    { signal, factor = 1 }: { signal?: AbortSignal; factor?: number } = {},
  ): Promise<T> {
    const { statementTimeout } = this.#options;
    const client = await this.#connect();
    const late = AbortSignal.timeout(statementTimeout * factor + timeoutMargin);
    const within = <R>(promise: Promise<R>) => unlessAborted(promise, signal ? AbortSignal.any([signal, late]) : late);
    try {
      await within(client.query(begin(statementTimeout, factor)));
      const result = await within(work(client));
      await within(client.query('COMMIT'));
      client.release();
      return result;
    } catch (error) {
      const isUsable =
        this.classifyError(error).kind === 'row' && (await within(client.query('ROLLBACK')).then(yes, no));
      client.release(!isUsable);
      throw error;
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    this.#pool ??= this.#createPool(tlsOptions(this.#server));
    try {
      return await this.#pool.connect();
    } catch (error) {
      if (!mayBePlain(this.#server) || !/does not support SSL/.test(reasonOf(error))) throw error;
      await this.close();
      this.#pool = this.#createPool(undefined);
      return this.#pool.connect();
    }
  }

  #createPool(ssl: ReturnType<typeof tlsOptions>): pg.Pool {
    const { host, port, user, password, database } = this.#server;
    const pool = new pg.Pool({
      host,
      port,
      user,
      password,
      database,
      ssl: ssl ?? false,
      application_name: 'kazoo-relay',
      // One more, so that tidying never waits for deliveries nor they for it.
      max: this.#options.connections + 1,
      connectionTimeoutMillis: this.#options.statementTimeout,
      keepAlive: true,
      stream: () => patientSocket(this.#options.statementTimeout),
      allowExitOnIdle: true,
    });
    // A lost connection says so twice where it is in use: its query rejects too. Unheard, the event would end the
    // process.
    const lost = (error: Error) => this.#log.debug({ reason: reasonOf(error) }, 'a connection was lost');
    pool.on('error', lost).on('connect', (client) => client.on('error', lost));
    return pool;
  }
}

/** The library has it connect to a port and a host, or to the path of a socket. */
function patientSocket(timeout: number): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  return Object.assign(socket, {
    connect: (place: number | string, host = 'localhost') =>
      typeof place === 'string' ? connect(place) : connect({ port: place, host, ...addressAttemptTimeout(timeout) }),
  });
}

interface TableRow {
  readonly kind: string;
  readonly privileges: string[];
  readonly requiredWithoutDefault: string[];
}

interface Rights {
  readonly schema: string | null;
  readonly mayCreate: boolean | null;
  readonly isOwner: boolean | null;
}

const yes = () => true;
const no = () => false;
