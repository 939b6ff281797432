/** What somebody may do: see all, or act too. */
export type Role = 'reader' | 'operator';

/** A link is good for one login; a session is what a login begins. */
export type LoginKind = 'link' | 'session';

/** Whom it lets in to the page. */
export interface Login {
  readonly name: string;
  readonly role: Role;
  /** A digest of the user of the configuration who has logged in; null where whoever may ask the daemon here was given a link. */
  readonly mark: string | null;
}

/**
 * Logins by kind and key, which is a digest of a secret: where several daemons share the journal, all of them have the same
 * ones, also after a restart; else they end with the daemon.
 */
export interface Logins {
  /**
   * Keeps one for so many milliseconds, and so many of its kind at most: the oldest end.
   * @throws JournalError, as all of these do
   */
  add(kind: LoginKind, key: string, login: Login, life: number, most: number): Promise<void>;
  /** Null where there is none, or it is over. @param life it lasts for about so many milliseconds from now on */
  find(kind: LoginKind, key: string, life?: number): Promise<Login | null>;
  /** Ends one: only who ends it is given it. */
  take(kind: LoginKind, key: string): Promise<Login | null>;
  /**
   * Takes a turn to try a password, on whichever daemon, and counts that as failed until `succeeded`. Missing where one daemon
   * has the journal: it knows its own.
   * @param pause the turn is so many milliseconds after the one before, for each that has failed
   * @param longest but so many at most
   * @returns in how many milliseconds it is
   */
  takeTurn?(pause: number, longest: number): Promise<number>;
  /** A password was right: the next turn is at once. */
  succeeded?(): Promise<void>;
}

interface Kept {
  readonly login: Login;
  until: number;
}

/** Those of a daemon that has its journal alone. */
export class OwnLogins implements Logins {
  readonly #now: () => number;
  readonly #kinds: Readonly<Record<LoginKind, Map<string, Kept>>> = { link: new Map(), session: new Map() };

  /** @param now Unix milliseconds */
  constructor(now = Date.now) {
    this.#now = now;
  }

  async add(kind: LoginKind, key: string, login: Login, life: number, most: number): Promise<void> {
    const all = this.#kinds[kind];
    for (const [known, { until }] of all) if (until <= this.#now()) all.delete(known);
    for (const oldest of all.keys()) {
      if (all.size < most) break;
      all.delete(oldest);
    }
    all.set(key, { login, until: this.#now() + life });
  }

  async find(kind: LoginKind, key: string, life?: number): Promise<Login | null> {
    const kept = this.#at(kind, key);
    if (kept !== null && life !== undefined) kept.until = this.#now() + life;
    return kept?.login ?? null;
  }

  async take(kind: LoginKind, key: string): Promise<Login | null> {
    const kept = this.#at(kind, key);
    this.#kinds[kind].delete(key);
    return kept?.login ?? null;
  }

  #at(kind: LoginKind, key: string): Kept | null {
    const kept = this.#kinds[kind].get(key);
    return kept === undefined || kept.until <= this.#now() ? null : kept;
  }
}
