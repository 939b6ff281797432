import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';
import type { Changes } from './changes.ts';

/** What became of a reload. */
export interface ReloadReport {
  /** False: nothing has changed, for this reason. */
  readonly reloaded: boolean;
  readonly reason: string | null;
  readonly routes: Changes;
  readonly brokers: Changes;
  /** Other options that have changed: those that count from now on, and those that a restart would bring. */
  readonly applied: readonly string[];
  readonly needs_restart: readonly string[];
}

/** What a reload does; it throws before it has changed anything, and not after. */
export type Reload = () => Promise<Omit<ReloadReport, 'reloaded' | 'reason'>>;

/** Makes reloads come one after the other, and tells of each in the log. */
export class Reloader {
  readonly #reload: Reload;
  readonly #log: Logger;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<ReloadReport> | undefined;
  #closed = false;

  constructor(reload: Reload, log: Logger) {
    this.#reload = reload;
    this.#log = log;
  }

  /** Never rejects. Whoever asks while one waits for its turn shares that: it will see all that there is to see. */
  request(): Promise<ReloadReport> {
    this.#next ??= this.#after(this.#last);
    this.#last = this.#next;
    return this.#next;
  }

  /** Resolves when none is under way; those that haven't begun are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  async #after(earlier: Promise<unknown>): Promise<ReloadReport> {
    await earlier;
    this.#next = undefined;
    if (this.#closed) return refused('the daemon is stopping');
    try {
      const report = { reloaded: true, reason: null, ...(await this.#reload()) };
      this.#tell(report);
      return report;
    } catch (error) {
      const reason = reasonOf(error);
      if (this.#closed) this.#log.warn({ reason }, 'a reload was cut off by the stop; the next start finishes it');
      else this.#log.error({ reason }, 'not reloaded; everything goes on as before');
      return refused(reason);
    }
  }

  #tell({ routes, brokers, applied, needs_restart }: ReloadReport): void {
    const { unchanged: _, ...changedRoutes } = routes;
    const { unchanged: __, ...changedBrokers } = brokers;
    this.#log.info({ routes: changedRoutes, brokers: changedBrokers, applied }, 'reloaded');
    if (needs_restart.length > 0) {
      this.#log.warn({ options: needs_restart }, 'these options have changed and need a restart; they are as before');
    }
  }
}

const none: Changes = { added: [], replaced: [], removed: [], unchanged: [] };

function refused(reason: string): ReloadReport {
  return { reloaded: false, reason, routes: none, brokers: none, applied: [], needs_restart: [] };
}
