import { unlessAborted } from '../../common/async/abort.ts';
import type { Connection } from './connection.ts';

/** Milliseconds that a connection waits for its next use. */
const longestRest = 15_000;

/** Connections that are used again while there is something to send: as many as are used at a time. */
export class Pool {
  readonly #open: (signal: AbortSignal) => Promise<Connection>;
  readonly #closing = new AbortController();
  readonly #busy = new Set<Connection>();
  readonly #resting = new Map<Connection, NodeJS.Timeout>();

  /** @param open opens one more */
  constructor(open: (signal: AbortSignal) => Promise<Connection>) {
    this.#open = open;
  }

  /** Has it use a connection. When that throws, or the signal aborts, the connection is closed. */
  async use<T>(signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#take(signal);
    try {
      const result = await unlessAborted(work(connection), signal);
      this.#busy.delete(connection);
      if (this.#closing.signal.aborted) connection.close();
      else if (connection.isUsable) this.#rest(connection);
      else void connection.quit();
      return result;
    } catch (error) {
      this.#drop(connection);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sink is closed'));
    for (const connection of this.#busy) connection.close();
    const resting = [...this.#resting.keys()];
    for (const connection of resting) this.#wake(connection);
    await Promise.all(resting.map((connection) => connection.quit()));
  }

  async #take(signal: AbortSignal): Promise<Connection> {
    this.#closing.signal.throwIfAborted();
    for (const [connection] of this.#resting) {
      this.#wake(connection);
      this.#busy.add(connection);
      let isReady = false;
      try {
        isReady = await unlessAborted(connection.isReady(), signal);
      } finally {
        if (!isReady) this.#drop(connection);
      }
      if (isReady) return connection;
    }
    const connection = await this.#open(AbortSignal.any([signal, this.#closing.signal]));
    this.#busy.add(connection);
    // It may have opened while the sink closed.
    if (this.#closing.signal.aborted) connection.close();
    return connection;
  }

  #drop(connection: Connection): void {
    this.#busy.delete(connection);
    connection.close();
  }

  #rest(connection: Connection): void {
    const timer = setTimeout(() => {
      this.#wake(connection);
      void connection.quit();
    }, longestRest);
    // It keeps no program from its end.
    this.#resting.set(connection, timer.unref());
  }

  #wake(connection: Connection): void {
    clearTimeout(this.#resting.get(connection));
    this.#resting.delete(connection);
  }
}
