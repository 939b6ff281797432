import type { Logger } from 'pino';
import type { Journal, Limits } from './journal.ts';
import type { OperatorStore } from './operator-store.ts';
import type { OpenedReader } from './reader.ts';

/**
 * The doors to a journal: nobody outside of this room knows what store it is in. They are asynchronous because one that
 * several daemons share is reached over a network. What not every store can do may be missing.
 */
export interface JournalStore {
  /**
   * Opens it for a daemon.
   * @param lookEvery milliseconds between looks for what operators have changed
   * @throws JournalError when another daemon has it, it is newer than this program, or it can't be used
   */
  open(limits: Limits, log: Logger, lookEvery?: number): Promise<Journal>;

  /** Opens it for reading, beside a daemon or without one. @throws JournalError */
  openReader(): Promise<OpenedReader>;

  /** Opens it for an operator's decisions, beside a daemon or without one. @throws JournalError */
  openOperatorStore(): Promise<OperatorStore>;

  /** Looks whether a daemon could use it, and says what was found. @throws JournalError, Error with what is in the way */
  testAccess(): Promise<string>;

  /** Where it is damaged, makes a new one of what can be read. @param routes of the configuration @throws JournalError */
  readonly rebuild?: (routes: readonly string[], log: Logger) => Promise<void>;
}
