import type { Running } from './apply-reload.ts';
import type { Reloader } from './reloader.ts';

interface Closable {
  close(): Promise<void>;
}

/** The doors to the daemon, which close first. */
interface Doors {
  readonly reloader: Reloader;
  readonly control: Closable;
  readonly http: Closable | null;
}

/** A stop: what it tells those that wait, and the order in which it closes what runs. */
export class Shutdown {
  readonly #stopping = new AbortController();
  readonly #impatient = new AbortController();

  /** Aborts when the stop begins: what waits for something that may never come waits no longer. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborts when the time for a stop is over: what is in flight is cut off. */
  get impatient(): AbortSignal {
    return this.#impatient.signal;
  }

  async run(running: Running, { reloader, control, http }: Doors): Promise<void> {
    const { config, journal, routes, pipelines, fileWatch } = running;
    const over = () => this.#impatient.abort(new Error('the time for a stop is over'));
    const patience = setTimeout(over, config.shutdown.timeout);
    this.#stopping.abort(new Error('the daemon is stopping'));
    const reloads = reloader.close();
    await control.close();
    await http?.close();
    await reloads;
    await fileWatch.close();
    await pipelines.stop(this.impatient);
    await routes.stop(this.impatient);
    await journal.close();
    clearTimeout(patience);
  }
}
