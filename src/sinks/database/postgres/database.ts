import pg from 'pg';
import type { Logger } from 'pino';
import { unlessAborted } from '../../../common/async/abort.ts';
import { reasonOf } from '../../../common/errors.ts';
import { mayBePlain, type Server, serverAddress, tlsOptions } from '../../../common/net/database-url.ts';
import { patientSocket } from '../../../common/net/patient-socket.ts';
import { withoutValues } from '../../../common/postgres-errors.ts';
import { type Database, ddlTimeoutFactor, type TableInfo, timeoutMargin } from '../dialect.ts';
import type { ClassifiedError } from '../errors.ts';
import type { DatabaseSinkOptions } from '../options.ts';
import type { Row } from '../row.ts';
import { qualified } from '../schema.ts';
import { Sockets } from '../sockets.ts';
import type { Table } from '../table.ts';
import { classifyError } from './errors.ts';
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
  readonly #sockets = new Sockets();
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

  close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    return this.#sockets.close(() => pool?.end());
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
    const given = AbortSignal.any([this.#sockets.closing, ...(signal ? [signal] : [])]);
    const client = await this.#connect(given);
    const late = AbortSignal.any([given, AbortSignal.timeout(statementTimeout * factor + timeoutMargin)]);
    const within = <R>(promise: Promise<R>) => unlessAborted(promise, late);
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

  async #connect(signal: AbortSignal): Promise<pg.PoolClient> {
    signal.throwIfAborted();
    this.#pool ??= this.#createPool(tlsOptions(this.#server));
    // A pool that ends forgets who waits for a connection.
    const connected = (pool: pg.Pool) => unlessAborted(pool.connect(), signal, (client) => client.release(true));
    try {
      return await connected(this.#pool);
    } catch (error) {
      if (!mayBePlain(this.#server) || !/does not support SSL/.test(reasonOf(error))) throw error;
      await this.#pool.end();
      this.#pool = this.#createPool(undefined);
      return connected(this.#pool);
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
      stream: () => this.#sockets.add(patientSocket(this.#options.statementTimeout)),
      allowExitOnIdle: true,
    });
    // A lost connection says so twice where it is in use: its query rejects too. Unheard, the event would end the
    // process.
    const lost = (error: Error) => this.#log.debug({ reason: reasonOf(error) }, 'a connection was lost');
    pool.on('error', lost).on('connect', (client) => client.on('error', lost));
    return pool;
  }
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
