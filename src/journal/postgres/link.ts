import pg from 'pg';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { mayBePlain, type Server, serverAddress, tlsOptions } from '../../common/net/database-url.ts';
import { patientSocket } from '../../common/net/patient-socket.ts';
import { inTime } from './deadline.ts';
import { failureOf, StoreAway } from './failure.ts';

/** Statements without values of their own, or with them in the order of $1, $2, … */
export interface Queryable {
  /**
   * Columns of type bigint come as numbers.
   * @throws StoreAway while or because the server can't be reached, may not be written to, or answers too late
   * @throws JournalError for all else that fails
   */
  query<T extends object>(text: string, values?: readonly unknown[]): Promise<readonly T[]>;
}

/** How connections are made. Milliseconds. */
export interface LinkSettings {
  readonly schema: string;
  readonly connectWithin: number;
  /** The server ends a statement that takes longer. */
  readonly statementTimeout: number;
  /** The server ends a statement that waits for a lock for longer. */
  readonly lockTimeout: number;
  /** Milliseconds without a statement after which the server ends a transaction. */
  readonly idleTimeout?: number | undefined;
  /** What is committed is confirmed by whomever the server waits for: a warning says that it isn't. */
  readonly mustConfirm: boolean;
  readonly log: Logger;
}

/** What a server says of itself when a connection is made. */
interface ServerState {
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  /** Changes with each promotion of a standby: eight hexadecimal digits. */
  readonly timeline: string | null;
}

/** One connection. Once something has failed on it, it isn't used again: behind its address, there may be another server. */
export class Link implements Queryable {
  readonly server: Server;
  readonly timeline: string;
  readonly #client: pg.Client;
  readonly #mustConfirm: boolean;
  readonly #onEnd: (failure: StoreAway) => void;
  /** By the monotonic clock. */
  usedAt = performance.now();
  #warning: string | undefined;
  #failure: Error | undefined;

  private constructor(server: Server, timeline: string, client: pg.Client, mustConfirm: boolean) {
    this.server = server;
    this.timeline = timeline;
    this.#client = client;
    this.#mustConfirm = mustConfirm;
    this.#onEnd = (failure) => {
      this.#failure ??= failure;
    };
    client.on('error', (error) => this.#onEnd(awayOf(server, error)));
    client.on('end', () => this.#onEnd(awayOf(server, new Error('the connection was closed'))));
    client.on('notice', ({ code, message }) => {
      if (code === warning) this.#warning = message;
    });
  }

  /** @throws StoreAway where it isn't there, or may not be written to; JournalError where it lets nobody in */
  static async open(server: Server, settings: LinkSettings): Promise<Link> {
    const client = await connected(server, settings);
    try {
      const answered = client.query(greeting(settings));
      const results: unknown = await inTime(answered, settings.connectWithin, () => socketOf.get(client)?.destroy());
      // Several statements in one text give several results, whatever the types say.
      const state = (results as pg.QueryResult<ServerState>[]).at(-1)?.rows[0];
      if (state === undefined || state.isStandby || state.timeline === null)
        throw new StoreAway(`${serverAddress(server)} is a standby`);
      if (state.isReadOnly) throw new StoreAway(`${serverAddress(server)} is read-only`);
      return new Link(server, state.timeline, client, settings.mustConfirm);
    } catch (error) {
      client.end().catch(() => undefined);
      throw failureOf(error, serverAddress(server));
    }
  }

  /** True until something has failed. */
  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  async query<T extends object>(text: string, values?: readonly unknown[]): Promise<readonly T[]> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#warning = undefined;
    try {
      const { rows } = await this.#client.query<T>({ ...statementOf(text), ...(values && { values: [...values] }) });
      // It may have been cut while the answer was on its way.
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#mustConfirm && this.#warning !== undefined)
        throw new StoreAway(`${serverAddress(this.server)} has not confirmed a commit: ${this.#warning}`);
      return rows;
    } catch (error) {
      this.#failure ??= failureOf(error, serverAddress(this.server));
      throw this.#failure;
    }
  }

  /** Ends it at once, whatever is under way. */
  cut(failure: Error): void {
    this.#failure ??= failure;
    socketOf.get(this.#client)?.destroy();
  }

  async close(): Promise<void> {
    this.#failure ??= new StoreAway('the connection was closed');
    // Of one that is cut off, nobody says that it has ended.
    await inTime(this.#client.end(), endWithin, () => socketOf.get(this.#client)?.destroy()).catch(() => undefined);
  }
}

/** The SQLSTATE of a warning that has none of its own, as of a wait for a standby that somebody has ended. */
const warning = '01000';

/** Milliseconds for the server to hear that a connection ends. */
const endWithin = 1_000;

const socketOf = new WeakMap<pg.Client, { destroy(): void }>();

async function connected(server: Server, settings: LinkSettings): Promise<pg.Client> {
  const ssl = tlsOptions(server);
  try {
    return await connect(server, settings, ssl);
  } catch (error) {
    if (ssl === undefined || !mayBePlain(server) || !/does not support SSL/.test(reasonOf(error)))
      throw failureOf(error, serverAddress(server));
  }
  try {
    return await connect(server, settings, undefined);
  } catch (error) {
    throw failureOf(error, serverAddress(server));
  }
}

async function connect(
  { host, port, user, password, database }: Server,
  { connectWithin, log }: LinkSettings,
  ssl: ReturnType<typeof tlsOptions>,
): Promise<pg.Client> {
  const socket = patientSocket(connectWithin);
  const client = new pg.Client({
    ...{ host, port, user, password, database, ssl: ssl ?? false },
    application_name: 'kazoo-relay',
    connectionTimeoutMillis: connectWithin,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    stream: () => socket,
    types: { getTypeParser: parserFor },
  });
  socketOf.set(client, socket);
  // Unheard, the event would end the process; whoever uses the connection hears of it too.
  client.on('error', (error) => log.debug({ reason: reasonOf(error) }, 'a connection to the journal was lost'));
  await client.connect();
  return client;
}

/** Counts, places and times are bigint, and none is beyond what a number holds. */
const parserFor: pg.CustomTypesConfig['getTypeParser'] = (type: number, format?: 'text' | 'binary') => {
  if (type === 20) return Number;
  if (type === 1016) return numbersIn;
  return format === 'binary' ? pg.types.getTypeParser(type, format) : pg.types.getTypeParser(type);
};

/** `{1,2}`. */
function numbersIn(text: string): number[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(Number);
}

/** Settings count for the connection: each statement has them, in a transaction or without one. */
function greeting({ schema, statementTimeout, lockTimeout, idleTimeout = 1_000 }: LinkSettings): string {
  const settings = {
    search_path: pg.escapeIdentifier(schema),
    default_transaction_isolation: "'read committed'",
    // A plan that was made for the values of one call would be made anew for others, and costs more than the call.
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    jit: 'off',
    statement_timeout: statementTimeout,
    lock_timeout: lockTimeout,
    // A daemon that is stopped in the middle of a transaction must not hold up the others.
    idle_in_transaction_session_timeout: idleTimeout,
  };
  const set = Object.entries(settings).map(([name, value]) => `SET ${name} TO ${value};`);
  return `${set.join(' ')} SELECT pg_is_in_recovery() AS "isStandby",
    current_setting('transaction_read_only') = 'on' AS "isReadOnly",
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline`;
}

/** Texts that come again and again are prepared by each connection, which costs half of what parsing them does. */
function statementOf(text: string): pg.QueryConfig {
  let name = names.get(text);
  if (name === undefined && names.size < mostNames && isPreparable.test(text)) {
    name = `k${names.size}`;
    names.set(text, name);
  }
  return name === undefined ? { text } : { name, text };
}

const names = new Map<string, string>();
/** Whoever makes texts up as it goes has them parsed each time. */
const mostNames = 500;
const isPreparable = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;

function awayOf(server: Server, error: unknown): StoreAway {
  const failure = failureOf(error, serverAddress(server));
  return failure instanceof StoreAway ? failure : new StoreAway(failure.message, { cause: failure });
}
