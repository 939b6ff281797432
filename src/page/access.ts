import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isPassword } from '../common/password-hash.ts';

/** What somebody may do: see all, or act too. */
type Role = 'reader' | 'operator';

/** Whoever is logged in. */
export interface Visitor {
  /** For the audit. */
  readonly name: string;
  readonly role: Role;
}

export interface User {
  readonly name: string;
  readonly role: Role;
  /** As `hashPassword` makes it. */
  readonly password: string;
}

/** How long a link may be followed, and how long a session lasts without a request, in milliseconds. */
const linkLife = 5 * 60_000;
const sessionLife = 12 * 3_600_000;

/** More of them than this are not kept: the oldest ends. */
const mostLinks = 20;
const mostSessions = 200;

/** After failed logins the next one waits, in milliseconds: as long as all of them together, up to the longest. */
const firstWait = 250;
const longestWait = 8_000;
/** So many logins may wait; who comes then is told to come again. */
const mostWaiting = 10;

/**
 * Who may see what on the page, for as long as the daemon runs: links that are good once, sessions, and the names and
 * passwords of the configuration. Only digests of links and sessions are kept.
 */
export class Access {
  readonly #now: () => number;
  readonly #pause: (millis: number) => Promise<unknown>;
  #users: readonly User[];
  readonly #links = new Map<string, { readonly visitor: Visitor; readonly until: number }>();
  readonly #sessions = new Map<string, { readonly visitor: Visitor; until: number }>();
  #failures = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param now Unix milliseconds; @param pause is what failed logins wait by */
  constructor(users: readonly User[], now = Date.now, pause: (millis: number) => Promise<unknown> = delay) {
    this.#users = users;
    this.#now = now;
    this.#pause = pause;
  }

  /** From now on; sessions of users that are gone, or whose role or password is another one, end. */
  use(users: readonly User[]): void {
    const isSame = (one: User, other: User) =>
      one.name === other.name && one.role === other.role && one.password === other.password;
    for (const [key, { visitor }] of this.#sessions) {
      const before = this.#users.find(({ name }) => name === visitor.name);
      if (before !== undefined && !users.some((user) => isSame(user, before))) this.#sessions.delete(key);
    }
    this.#users = users;
  }

  get hasUsers(): boolean {
    return this.#users.length > 0;
  }

  /** A secret by which somebody logs in once, within five minutes. */
  createLink(visitor: Visitor): string {
    const secret = newSecret();
    this.#add(this.#links, digest(secret), { visitor, until: this.#now() + linkLife }, mostLinks);
    return secret;
  }

  /** Whose link it is, which stays good: a program may look at a link before the person does. */
  linkOf(secret: string): Visitor | null {
    const link = this.#links.get(digest(secret));
    return link === undefined || link.until < this.#now() ? null : link.visitor;
  }

  /** Begins a session by a link, which is good no more. Null where it isn't. */
  async followLink(secret: string): Promise<string | null> {
    return this.#login(async () => {
      const visitor = this.linkOf(secret);
      this.#links.delete(digest(secret));
      return visitor;
    });
  }

  /** Begins a session by a name and a password. Null where they don't fit. @throws TooManyLogins */
  async login(name: string, password: string): Promise<string | null> {
    return this.#login(async () => {
      const user = this.#users.find((one) => one.name === name);
      // As much work for a name that nobody has.
      const isRight = await isPassword(password, user?.password ?? nobody);
      return user !== undefined && isRight ? { name: user.name, role: user.role } : null;
    });
  }

  visitorOf(session: string): Visitor | null {
    return this.#visitorAt(digest(session));
  }

  #visitorAt(key: string): Visitor | null {
    const known = this.#sessions.get(key);
    if (known === undefined || known.until < this.#now()) return null;
    known.until = this.#now() + sessionLife;
    return known.visitor;
  }

  /** Whose name and password an `authorization: Basic …` has; null where they don't fit. @throws TooManyLogins */
  async visitorBy(authorization: string): Promise<Visitor | null> {
    const key = digest(authorization);
    const known = this.#sessions.get(key);
    if (known !== undefined) return this.#visitorAt(key);
    const [, encoded = ''] = /^Basic ([\w+/=-]{1,1000})$/i.exec(authorization) ?? [];
    const [name = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
    const session = password.length === 0 ? null : await this.login(name, password.join(':'));
    if (session === null) return null;
    // Whoever monitors sends them with each request: they are worked out once.
    const visitor = this.visitorOf(session);
    this.logout(session);
    if (visitor !== null) this.#add(this.#sessions, key, { visitor, until: this.#now() + sessionLife }, mostSessions);
    return visitor;
  }

  logout(session: string): void {
    this.#sessions.delete(digest(session));
  }

  /** One after the other, each after the pause that those before it have earned. */
  async #login(check: () => Promise<Visitor | null>): Promise<string | null> {
    if (this.#waiting >= mostWaiting) throw new TooManyLogins();
    this.#waiting += 1;
    const turn = this.#turn.then(async () => {
      if (this.#failures > 0) await this.#pause(Math.min(longestWait, firstWait * this.#failures));
      const visitor = await check();
      this.#failures = visitor === null ? this.#failures + 1 : 0;
      return visitor;
    });
    this.#turn = turn.catch(() => undefined);
    try {
      const visitor = await turn;
      return visitor === null ? null : this.#begin(visitor);
    } finally {
      this.#waiting -= 1;
    }
  }

  #begin(visitor: Visitor): string {
    const session = newSecret();
    this.#add(this.#sessions, digest(session), { visitor, until: this.#now() + sessionLife }, mostSessions);
    return session;
  }

  #add<T extends { readonly until: number }>(all: Map<string, T>, key: string, one: T, most: number): void {
    for (const [known, { until }] of all) if (until < this.#now()) all.delete(known);
    for (const oldest of all.keys()) {
      if (all.size < most) break;
      all.delete(oldest);
    }
    all.set(key, one);
  }
}

export class TooManyLogins extends Error {
  override readonly name = 'TooManyLogins';

  constructor() {
    super('too many logins at a time; try again in a minute');
  }
}

/** Of no password. */
const nobody = `scrypt$32768$8$3$${'A'.repeat(22)}$${'A'.repeat(43)}`;

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
