import type { Message } from './message.ts';

/** A way to a syslog server. */
export interface Connection {
  /**
   * Resolves when the system has taken all of them. Whether the server has read them, it never says.
   * @throws Error when the connection has failed; what of them the server has is unknown
   */
  send(messages: readonly Message[], signal: AbortSignal): Promise<void>;
  close(): void;
}
