import type { Socket } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';

/** The sockets of a library's pool, which by itself waits for the other side until they are closed. */
export class Sockets {
  readonly #open = new Set<Socket>();
  readonly #closing = new AbortController();

  /** Aborts when the pool is closed: whoever waits for a connection, or for an answer, lets go then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  add<S extends Socket>(socket: S): S {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  }

  /** @param end has the library say goodbye on those that nobody works with */
  async close(end: () => Promise<unknown> | undefined): Promise<void> {
    this.#closing.abort(new Error('the sink is closed'));
    // By then, whoever worked with one has let go of it.
    await immediate();
    end()?.catch(() => undefined);
    for (const socket of this.#open) {
      // What is written goes out before the end; where there is no connection yet, nothing is.
      if (socket.connecting) socket.destroy();
      else socket.destroySoon();
    }
  }
}
