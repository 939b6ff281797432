import { setTimeout as delay } from 'node:timers/promises';
import type { RouteSharing } from '../journal.ts';
import type { RouteSession, Start } from '../route-session.ts';
import { type Database, StoreAway } from './connection.ts';
import type { RouteSessions } from './route-sessions.ts';
import { saveSelection } from './selections.ts';

/** What a daemon that has just started hasn't opened by now, in milliseconds, its configuration has no more. */
const openedWithin = 60_000;

/** While the database is away, in milliseconds. */
const askAgainAfter = 250;

interface Opened {
  readonly start: Start;
  readonly deliversInvalid: boolean;
  readonly selection: object | null;
}

/** The routes that this daemon's configuration has: they hold back retention, whoever runs them. */
export class RoutePlaces {
  readonly #database: Database;
  readonly #name: string;
  readonly #sessions: RouteSessions;
  readonly #open = new Map<string, Opened>();
  readonly #wanted = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  /** @param name of the daemon */
  constructor(database: Database, name: string, sessions: RouteSessions) {
    this.#database = database;
    this.#name = name;
    this.#sessions = sessions;
    this.#timer = setTimeout(() => void this.#forgetOthers(), openedWithin);
  }

  async open(
    route: string,
    start: Start,
    deliversInvalid: boolean,
    selection: object | null,
    { own = false }: RouteSharing,
  ): Promise<{ session(signal?: AbortSignal): Promise<RouteSession> }> {
    const opened = { start, deliversInvalid, selection };
    this.#open.set(route, opened);
    await this.#place(route, opened);
    return {
      session: async (signal) => {
        await this.#ask(route, opened, signal);
        return this.#sessions.open(route, own, signal);
      },
    };
  }

  /** All of them, where the server may not have them any more. */
  async openAgain(): Promise<void> {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (const [route, opened] of this.#open) await this.#place(route, opened);
    for (const route of wanted) await this.#want(route);
  }

  async #place(route: string, { start, deliversInvalid, selection }: Opened): Promise<void> {
    await this.#database.transaction(async (within) => {
      await within.query(
        `INSERT INTO registrations (name, route, delivers_invalid) VALUES ($1, $2, $3)
         ON CONFLICT (name, route) DO UPDATE SET delivers_invalid = excluded.delivers_invalid`,
        [this.#name, route, deliversInvalid],
      );
      await within.query('SELECT place($1, $2)', [route, String(start)]);
      await saveSelection(within, route, selection);
    });
  }

  async release(route: string): Promise<void> {
    this.#open.delete(route);
    this.#wanted.delete(route);
    await this.#database.query('DELETE FROM registrations WHERE name = $1 AND route = $2', [this.#name, route]);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** From now on, it counts for the share of each daemon that wants it. */
  async #want(route: string): Promise<void> {
    if (this.#wanted.has(route)) return;
    await this.#database.query('UPDATE registrations SET wanted = true WHERE name = $1 AND route = $2', [
      ...[this.#name, route],
    ]);
    this.#wanted.add(route);
  }

  /** Once the database can be reached: who waits for a session waits for that too. */
  async #ask(route: string, opened: Opened, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        // An operator may have had it forgotten.
        await this.#place(route, opened);
        return await this.#want(route);
      } catch (error) {
        if (!(error instanceof StoreAway) || this.#isClosed) throw error;
      }
      await delay(askAgainAfter, undefined, { signal }).catch(() => undefined);
    }
  }

  async #forgetOthers(): Promise<void> {
    try {
      await this.#database.query('DELETE FROM registrations WHERE name = $1 AND route <> ALL ($2)', [
        ...[this.#name, [...this.#open.keys()]],
      ]);
    } catch {
      // They hold back retention until the next start.
    }
  }
}
