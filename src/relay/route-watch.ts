import type { RouteSnapshot } from '../ops/runtime-snapshot.ts';
import type { Status } from '../ops/status.ts';

/** Between looks, in milliseconds; what other daemons say costs more, and is looked at every fifth time. */
const lookEvery = 1_000;
const elsewhereEvery = 5;

/** So many looks after a change say that there was one: what is shown may come from a cache for a moment. */
const saidAgain = 2;

/**
 * Notices what becomes of routes where the journal tells nobody: what they deliver, whether their sinks answer, and what
 * daemons elsewhere say of theirs, and of their brokers.
 */
export class RouteWatch {
  readonly #routes: () => readonly RouteSnapshot[];
  readonly #status: () => Promise<Status>;
  #looks = 0;
  #here = '';
  #elsewhere = '';
  #again = 0;

  /** @param status it may be as old as it is costly */
  constructor(routes: () => readonly RouteSnapshot[], status: () => Promise<Status>) {
    this.#routes = routes;
    this.#status = status;
  }

  /** Looks now and then, until it is stopped by what this returns. */
  start(changed: () => void): () => void {
    const timer = setInterval(() => void this.look().then((is) => is && changed()), lookEvery);
    return () => clearInterval(timer);
  }

  /** Whether there is something new since the last look, or was a moment ago. */
  async look(): Promise<boolean> {
    const here = this.#routes().map(stateHere).join();
    const elsewhere = this.#looks % elsewhereEvery === 0 ? await this.#lookElsewhere() : this.#elsewhere;
    const isFirst = this.#looks === 0;
    this.#looks += 1;
    if (here !== this.#here || elsewhere !== this.#elsewhere) this.#again = isFirst ? 0 : saidAgain + 1;
    [this.#here, this.#elsewhere] = [here, elsewhere];
    this.#again = Math.max(0, this.#again - 1);
    return this.#again > 0;
  }

  /** Of a journal that can't be asked there is nothing new. */
  async #lookElsewhere(): Promise<string> {
    const status = await this.#status().catch(() => null);
    if (status === null) return this.#elsewhere;
    const { daemons, routes } = status;
    return daemons.length < 2 ? '' : [...routes.map(stateElsewhere), ...daemons.flatMap(linksOf)].join();
  }
}

function stateHere({ name, activity, counts: { tries } }: RouteSnapshot): string {
  const { circuit, inFlight, interrupted = '', conditionFailures } = activity;
  return [name, circuit, inFlight, interrupted, conditionFailures, tries.delivered, tries.retry, tries.dead].join(' ');
}

function linksOf({ name, brokers = [] }: Status['daemons'][number]): string[] {
  return brokers.map(({ zone, broker, state, paused }) => [name, zone, broker, state, paused].join(' '));
}

function stateElsewhere({
  name,
  holder,
  circuit,
  waiting,
  quarantined,
  dead,
  delivered,
}: Status['routes'][number]): string {
  return [name, holder, circuit?.state, waiting, quarantined, dead, delivered?.latest].join(' ');
}
