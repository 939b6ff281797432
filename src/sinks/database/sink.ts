import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { unlessAborted } from '../../common/async/abort.ts';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { type Outcome, type Sink, type SinkContext, type SinkKind, SinkUnavailable } from '../sink.ts';
import { BatchInserter } from './batch-inserter.ts';
import { connectionTest } from './connection-test.ts';
import { databaseDeclaration } from './declaration.ts';
import type { Database, Dialect, TableInfo } from './dialect.ts';
import { dialectOf } from './dialects.ts';
import type { DatabaseSinkOptions } from './options.ts';
import { type Row, rowOf } from './row.ts';
import { describeDifferences, schemaDiff, schemaOf } from './schema.ts';
import { type Table, tableOf } from './table.ts';

/** One row a notification, in a table that the sink creates and maintains, or in one of the operator's. */
export const databaseSink: SinkKind<DatabaseSinkOptions> = {
  ...databaseDeclaration,
  connectionTest,

  async open(options, context) {
    const table = tableOf(options);
    const database = await dialectOf(options.url).open(options, table, context.log);
    const sink = new DatabaseSink(options, table, database, context);
    try {
      await sink.start();
    } catch (error) {
      await sink.close();
      throw error;
    }
    return sink;
  },
};

/**
 * The SQL that makes the table of a sink with these options, one statement an element.
 * @throws Error where the table is the operator's own, of which nothing is known
 */
export function databaseSchema(checked: unknown): readonly string[] {
  const options = checked as DatabaseSinkOptions; // a checked configuration holds what the kind of sink declares
  if (options.columnsOnly)
    throw new Error('the route stores into a table of your own (columnsOnly), which is yours to make');
  return schemaOf(tableOf(options), dialectOf(options.url));
}

/** Characters that one statement carries at most, if it has more than one row: MariaDB refuses more than 16 MiB. */
const statementSize = 4 * 1024 * 1024;

/** Between two rounds of making partitions and removing what is old, in milliseconds. */
const maintenanceInterval = 3_600_000;

class DatabaseSink implements Sink {
  readonly #options: DatabaseSinkOptions;
  readonly #log: Logger;
  readonly #mayRemoveOld: () => boolean;
  readonly #dialect: Dialect;
  readonly #table: Table;
  readonly #database: Database;
  readonly #inserter: BatchInserter;
  readonly #closing = new AbortController();
  #statementSize = statementSize;
  #maintenance: Promise<void> | undefined;
  /**
   * False until the table has been looked at, and again after every outage: it may be another server, or an older copy.
   */
  #isPrepared = false;

  constructor(
    options: DatabaseSinkOptions,
    table: Table,
    database: Database,
    { log, mayRemoveOld = () => false }: SinkContext,
  ) {
    this.#options = options;
    this.#log = log;
    this.#mayRemoveOld = mayRemoveOld;
    this.#dialect = dialectOf(options.url);
    this.#table = table;
    this.#database = database;
    this.#inserter = new BatchInserter(database, options.statementTimeout, () => this.#pendingStatements());
  }

  /** Prepares the table, so that a mistake shows at the start and not with the first notification. */
  async start(): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      throw this.#unavailable(error);
    }
    if (this.#options.retention > 0 || this.#table.partitioned) this.#maintenance = this.#maintainRegularly();
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const outcomes = new Map<Row, Outcome>();
    const rows = batch.map((delivery) => rowOf(delivery, this.#table));
    const before = this.#inserter.stored;
    let rest: Outcome = { status: 'retry', reason: 'it was not tried' };
    try {
      if (!this.#isPrepared) await unlessAborted(this.#prepare(), signal);
      for (const part of portions(rows, this.#statementSize)) {
        await this.#inserter.insert(part, signal, outcomes, before);
      }
    } catch (error) {
      this.#isPrepared = false;
      if (outcomes.size === 0) throw this.#unavailable(error);
      const { reason, code } = this.#database.classifyError(error);
      rest = { status: 'retry', reason, away: true, ...(code === undefined ? {} : { code }) };
    }
    return rows.map((row) => outcomes.get(row) ?? rest);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#maintenance;
    await this.#database.close();
  }

  /** @throws Error for a table that isn't as it must be, and that the sink may not change */
  async #prepare(): Promise<void> {
    if ((await this.#pendingStatements()).length > 0) {
      await this.#database.migrate((now) => {
        const statements = this.#statementsFor(now);
        for (const statement of statements) this.#log.info({ statement }, messages.changingDatabase);
        return statements;
      });
      await this.#pendingStatements();
    }
    this.#isPrepared = true;
  }

  /** What there is to do before the table is as it must be. @throws as `#prepare` */
  async #pendingStatements(): Promise<string[]> {
    const found = await this.#database.introspect();
    // In a statement, a text may be twice as long as by itself.
    if (found?.largestStatement) this.#statementSize = Math.min(statementSize, found.largestStatement / 2);
    return this.#statementsFor(found);
  }

  /** The statements that bring the table to its required form, if the daemon may change it. */
  #statementsFor(found: TableInfo | undefined): string[] {
    const differences = schemaDiff(this.#table, found, this.#dialect);
    const isOurs = this.#options.migrate && differences.every(({ statements }) => statements !== undefined);
    if (differences.length > 0 && !isOurs) {
      const isPrinted = !this.#table.operatorOwned && differences.some(({ remedy }) => remedy === undefined);
      const help = isPrinted ? '. The command "database schema" prints the SQL of the whole' : '';
      throw new Error(`this is missing and can't be made by the daemon: ${describeDifferences(differences)}${help}`);
    }
    return differences.flatMap(({ statements }) => statements ?? []);
  }

  #unavailable(cause: unknown): SinkUnavailable {
    const { reason, kind, code } = this.#database.classifyError(cause);
    return new SinkUnavailable(`${this.#database.displayName}: ${reason}`, {
      cause,
      code,
      unsure: kind === 'unclear' || kind === 'connection',
    });
  }

  async #maintainRegularly(): Promise<void> {
    const { signal } = this.#closing;
    const { retention } = this.#options;
    while (!signal.aborted) {
      try {
        const removes = retention > 0 && this.#mayRemoveOld();
        await this.#database.maintain(removes ? Date.now() - retention : undefined, signal);
      } catch (error) {
        // No delivery depends on it: the next round repeats it.
        if (!signal.aborted) this.#log.warn({ reason: reasonOf(error) }, messages.notMaintained);
      }
      await delay(maintenanceInterval, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** Cuts a batch so that no statement is too large for its server. */
function* portions(rows: readonly Row[], largest: number): Generator<readonly Row[]> {
  let start = 0;
  let size = 0;
  for (const [index, row] of rows.entries()) {
    if (index > start && size + row.size > largest) {
      yield rows.slice(start, index);
      start = index;
      size = 0;
    }
    size += row.size;
  }
  if (start < rows.length) yield rows.slice(start);
}
