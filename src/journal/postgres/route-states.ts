import { truncateUtf8 } from '../../common/text/format.ts';
import type { RouteState } from '../reader.ts';
import type { Companion } from './companions.ts';
import type { Queryable } from './connection.ts';

/** Bytes of a reason, which may be what a receiver has answered. */
const longestReason = 500;

/** The time of the next probe is the same one where it is nearer than this, in milliseconds. */
const sameProbe = 500;

/** By route. */
export type States = ReadonlyMap<string, RouteState>;

interface Shown {
  /** All but when the next probe is, as JSON. */
  readonly text: string;
  readonly probeIn: number;
  /** By the monotonic clock. */
  readonly probeAt: number;
}

/**
 * Shows what the routes of this daemon do to others: a row a route, which the next one takes the place of. A row is written
 * where something has changed, once a second at most, and counts while its daemon has the route.
 */
export class RouteStates implements Companion {
  readonly #database: Queryable;
  readonly #holder: string;
  readonly #states: () => States;
  /** What was written, and the number of its row. */
  readonly #written = new Map<string, Shown & { readonly number: number }>();

  constructor(database: Queryable, holder: string, states: () => States) {
    this.#database = database;
    this.#holder = holder;
    this.#states = states;
  }

  get isDue(): boolean {
    return this.#changed().size > 0;
  }

  /** @throws JournalError, and it is written the next time */
  async write(): Promise<void> {
    const changed = this.#changed();
    const routes = [...changed.keys()];
    const rows = await this.#database.query<{ route: string; number: number }>(
      `WITH shown AS (
         INSERT INTO route_states (route, holder, state, probe_in)
         SELECT u.route, $1, u.state, u.probe_in FROM unnest($2::text[], $3::text[], $4::bigint[]) u(route, state, probe_in)
         -- Another daemon may have it by now.
         JOIN routes r ON r.route = u.route AND r.holder = $1 RETURNING route, number),
       gone AS (
         DELETE FROM route_states s USING unnest($2::text[], $5::bigint[]) u(route, number), shown
         WHERE shown.route = u.route AND s.route = u.route
           AND s.number BETWEEN coalesce(u.number, 0) AND coalesce(u.number, shown.number))
       SELECT route, number FROM shown`,
      [
        ...[this.#holder, routes],
        ...[[...changed.values()].map(({ text }) => text), [...changed.values()].map(({ probeIn }) => probeIn)],
        routes.map((route) => this.#written.get(route)?.number ?? null),
      ],
    );
    for (const { route, number } of rows) {
      const shown = changed.get(route);
      if (shown !== undefined) this.#written.set(route, { ...shown, number });
    }
  }

  /** The database hasn't it any more, or not the newest. */
  showAgain(): void {
    this.#written.clear();
  }

  #changed(): Map<string, Shown> {
    const states = this.#states();
    for (const route of this.#written.keys()) if (!states.has(route)) this.#written.delete(route);
    const all = [...states].map(([route, state]) => [route, shownOf(state)] as const);
    return new Map(all.filter(([route, shown]) => !isSame(shown, this.#written.get(route))));
  }
}

function isSame({ text, probeAt }: Shown, before: Shown | undefined): boolean {
  return text === before?.text && Math.abs(probeAt - before.probeAt) < sameProbe;
}

function shownOf({ probeIn, interrupted, trouble, conditionTrouble, ...state }: RouteState): Shown {
  const { inFlight, conditionFailures, circuit, circuitSince, refusedAccounts } = state;
  const text = JSON.stringify({
    ...{ inFlight, conditionFailures, circuit, circuitSince, refusedAccounts },
    interrupted: interrupted && shortened(interrupted),
    trouble: trouble && { ...trouble, reason: shortened(trouble.reason) },
    conditionTrouble: conditionTrouble && { ...conditionTrouble, reason: shortened(conditionTrouble.reason) },
  });
  return { text, probeIn: Math.round(probeIn), probeAt: performance.now() + probeIn };
}

/** What of a reason is shown to others. */
export function shortened(reason: string): string {
  return truncateUtf8(reason, longestReason);
}

/** In SQL: what the daemon that has a route r, and lives, has shown of it last; as `stateIn` reads it. */
export const stateColumns = `shown.state, shown.probe_in AS "probeIn", now_ms() - shown.at AS age`;
export const newestState = `SELECT state, probe_in, at FROM route_states s
  WHERE s.route = r.route AND s.holder = r.holder ORDER BY s.number DESC LIMIT 1`;

/** As `stateColumns` has it; null where there is none. */
export function stateIn(row: { state: string | null; probeIn: number | null; age: number | null }): RouteState | null {
  const { state, probeIn, age } = row;
  if (state === null) return null;
  // As `shownOf` has written it, without what is undefined.
  const known = JSON.parse(state) as Omit<RouteState, 'probeIn'>;
  return { ...known, probeIn: Math.max(0, (probeIn ?? 0) - (age ?? 0)) };
}
