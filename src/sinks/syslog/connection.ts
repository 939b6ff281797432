import type { Message } from './message.ts';

/** What the system said of one message: it has taken it, or can never send one of that size. */
export type Said = 'taken' | 'too large';

/** A way to a syslog server. */
export interface Connection {
  /**
   * Resolves when the system has taken all of them that it can. Whether the server has read them, it never says.
   * @param said what was said of each, in their order
   * @throws Error when the connection has failed; what the server has of those of which nothing was said is unknown
   */
  send(messages: readonly Message[], said: Said[], signal: AbortSignal): Promise<void>;
  /** May be called more than once, also while something is being sent. */
  close(): void;
}
