import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';

/** For how long the other side may take to answer a goodbye, in milliseconds. */
const goodbye = 1_000;

/** The sockets of a library's pool. On a network that has fallen silent, the library waits for ever for their ends. */
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

  /** @param end what the library does for those that nobody works with */
  async close(end: () => Promise<unknown> | undefined): Promise<void> {
    this.#closing.abort(new Error('the sink is closed'));
    // By then, whoever worked with one has let go of it.
    await immediate();
    const ended = new AbortController();
    // Ending a connection that is lost already rejects, and changes nothing.
    const ending = Promise.resolve(end()).catch(() => undefined);
    await Promise.race([ending, delay(goodbye, undefined, { signal: ended.signal }).catch(() => undefined)]);
    ended.abort();
    for (const socket of this.#open) socket.destroySoon();
  }
}
