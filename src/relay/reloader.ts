import type { Logger } from 'pino';
import { reasonOf } from '../common/errors.ts';
import type { Changes } from './changes.ts';
import { changedAt } from './file-watch.ts';

/** What became of a reload. */
export interface ReloadReport {
  /** False: nothing has changed, for this reason. */
  readonly reloaded: boolean;
  readonly reason: string | null;
  /** The files of the configuration, as they are on disk. */
  readonly read: readonly FileRead[];
  readonly routes: Changes;
  readonly brokers: Changes;
  /** Other options that have changed: those that count from now on, and those that a restart would bring. */
  readonly applied: readonly string[];
  readonly needs_restart: readonly string[];
}

interface FileRead {
  readonly file: string;
  /** When its content was changed last; null where it isn't there. */
  readonly changed: string | null;
}

/** What a reload does; it throws before it has changed anything, and not after. */
export type Reload = () => Promise<Omit<ReloadReport, 'reloaded' | 'reason' | 'read'>>;

/** Makes reloads come one after the other, and tells of each in the log. */
export class Reloader {
  readonly #reload: Reload;
  readonly #log: Logger;
  readonly #files: () => readonly string[];
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<ReloadReport> | undefined;
  #closed = false;

  /** @param files those of the configuration, as far as they are known */
  constructor(reload: Reload, log: Logger, files: () => readonly string[] = () => []) {
    this.#reload = reload;
    this.#log = log;
    this.#files = files;
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
    if (this.#closed) return this.#refused('the daemon is stopping');
    try {
      const changes = await this.#reload();
      const report = { reloaded: true, reason: null, read: this.#read(), ...changes };
      this.#tell(report);
      return report;
    } catch (error) {
      const reason = reasonOf(error);
      if (this.#closed) this.#log.warn({ reason }, 'a reload was cut off by the stop; the next start finishes it');
      else this.#log.error({ reason }, 'not reloaded; everything goes on as before');
      return this.#refused(reason);
    }
  }

  #read(): FileRead[] {
    return this.#files().map((file) => ({ file, changed: changedAt(file) }));
  }

  #refused(reason: string): ReloadReport {
    const changes = { routes: none, brokers: none, applied: [], needs_restart: [] };
    return { reloaded: false, reason, read: this.#read(), ...changes };
  }

  #tell({ read, routes, brokers, applied, needs_restart }: ReloadReport): void {
    const { unchanged: _, ...changedRoutes } = routes;
    const { unchanged: __, ...changedBrokers } = brokers;
    this.#log.info({ read, routes: changedRoutes, brokers: changedBrokers, applied }, 'reloaded');
    if (needs_restart.length > 0) {
      this.#log.warn({ options: needs_restart }, 'these options have changed and need a restart; they are as before');
    }
  }
}

const none: Changes = { added: [], replaced: [], removed: [], unchanged: [] };
