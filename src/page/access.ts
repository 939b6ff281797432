import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isPassword } from '../common/password-hash.ts';
import { JournalError } from '../journal/journal.ts';
import type { Login, LoginKind, Logins, Role } from '../journal/logins.ts';

/** Whoever is logged in. */
export interface Visitor {
  /** For the audit. */
  readonly name: string;
  readonly role: Role;
}

export interface User extends Visitor {
  /** As `hashPassword` makes it. */
  readonly password: string;
}

/** How long a link may be followed, and how long a session lasts without a request, in milliseconds. */
const life: Readonly<Record<LoginKind, number>> = { link: 5 * 60_000, session: 12 * 3_600_000 };

/** More of them than this are not kept: the oldest ends. */
const most: Readonly<Record<LoginKind, number>> = { link: 20, session: 200 };

/** After failed logins the next one waits, in milliseconds: as long as all of them together, up to the longest. */
const firstWait = 250;
const longestWait = 8_000;
/** So many logins may wait; who comes then is told to come again. */
const mostWaiting = 10;

/** So many headers with a name and a password are known to fit. */
const mostKnown = 20;

/**
 * Who may see what on the page: by links that are good once, by sessions, and by the names and passwords of the configuration.
 * Only digests of links and sessions are kept; the journal keeps them.
 */
export class Access {
  readonly #logins: Logins;
  readonly #pause: (millis: number) => Promise<unknown>;
  /** By their marks. */
  #users: ReadonlyMap<string, User> = new Map();
  /** The marks of users, by digests of the headers that have let them in. */
  readonly #known = new Map<string, string>();
  #failures = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param pause what failed logins wait by */
  constructor(users: readonly User[], logins: Logins, pause: (millis: number) => Promise<unknown> = delay) {
    this.#logins = logins;
    this.#pause = pause;
    this.use(users);
  }

  /** From now on; nobody is let in as a user that is gone, or whose role or password is another one. */
  use(users: readonly User[]): void {
    this.#users = new Map(users.map((user) => [markOf(user), user]));
  }

  get hasUsers(): boolean {
    return this.#users.size > 0;
  }

  /** A secret by which somebody logs in once, within five minutes. @throws JournalError */
  createLink(visitor: Visitor): Promise<string> {
    return this.#add('link', { ...visitor, mark: null });
  }

  /** Whose link it is, which stays good: a program may look at a link before the person does. @throws JournalError */
  async linkOf(secret: string): Promise<Visitor | null> {
    return this.#visitorOf(await this.#logins.find('link', digest(secret)));
  }

  /** Begins a session by a link, which is good no more. Null where it isn't. @throws JournalError */
  async followLink(secret: string): Promise<string | null> {
    // Nobody guesses one; whoever guesses passwords keeps nobody out who has one.
    const login = await this.#logins.take('link', digest(secret));
    return login && this.#add('session', login);
  }

  /** Begins a session by a name and a password. Null where they don't fit. @throws TooManyLogins, JournalError */
  async login(name: string, password: string): Promise<string | null> {
    const user = await this.#userBy(name, password);
    return user && this.#add('session', { name: user.name, role: user.role, mark: markOf(user) });
  }

  /** Whose session it is, which lasts on by that. @throws JournalError */
  async visitorOf(session: string): Promise<Visitor | null> {
    return this.#visitorOf(await this.#logins.find('session', digest(session), life.session));
  }

  /** Whether a session has ended; it lasts no longer by that. @throws JournalError */
  async isOver(session: string): Promise<boolean> {
    return this.#visitorOf(await this.#logins.find('session', digest(session))) === null;
  }

  /**
   * Whether an `authorization: Basic …` has the name and the password of a user. Whoever monitors sends them with each
   * request: they are worked out once, and the journal isn't asked.
   * @throws TooManyLogins
   */
  async isUser(authorization: string): Promise<boolean> {
    const key = digest(authorization);
    if (this.#users.has(this.#known.get(key) ?? '')) return true;
    const [, encoded = ''] = /^Basic ([\w+/=-]{1,1000})$/i.exec(authorization) ?? [];
    const [name = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
    const user = password.length === 0 ? null : await this.#userBy(name, password.join(':'));
    if (user === null) return false;
    for (const oldest of this.#known.keys()) if (this.#known.size >= mostKnown) this.#known.delete(oldest);
    this.#known.set(key, markOf(user));
    return true;
  }

  /** @throws JournalError, and it goes on */
  async logout(session: string): Promise<void> {
    await this.#logins.take('session', digest(session));
  }

  #visitorOf(login: Login | null): Visitor | null {
    if (login === null || (login.mark !== null && !this.#users.has(login.mark))) return null;
    return { name: login.name, role: login.role };
  }

  #userBy(name: string, password: string): Promise<User | null> {
    return this.#inTurn(async () => {
      const user = [...this.#users.values()].find((one) => one.name === name);
      // As much work for a name that nobody has.
      const isRight = await isPassword(password, user?.password ?? nobody);
      return user !== undefined && isRight ? user : null;
    });
  }

  /** One after the other, each after the pause that those before it have earned, here and elsewhere. Null is a failure. */
  async #inTurn<T>(check: () => Promise<T | null>): Promise<T | null> {
    if (this.#waiting >= mostWaiting) throw new TooManyLogins();
    this.#waiting += 1;
    const turn = this.#turn.then(async () => {
      const wait = Math.max(Math.min(longestWait, firstWait * this.#failures), await this.#turnElsewhere());
      if (wait > 0) await this.#pause(wait);
      const found = await check();
      this.#failures = found === null ? this.#failures + 1 : 0;
      if (found !== null) await this.#logins.succeeded?.().catch(unlessAway);
      return found;
    });
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Nobody gets in sooner by going from one daemon to the next; without their database, each goes by what it knows. */
  async #turnElsewhere(): Promise<number> {
    return (await this.#logins.takeTurn?.(firstWait, longestWait).catch(unlessAway)) ?? 0;
  }

  async #add(kind: LoginKind, login: Login): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    await this.#logins.add(kind, digest(secret), login, life[kind], most[kind]);
    return secret;
  }
}

export class TooManyLogins extends Error {
  override readonly name = 'TooManyLogins';
  readonly statusCode = 429;

  constructor() {
    super('too many logins at a time; try again in a minute');
  }
}

function unlessAway(error: unknown): undefined {
  if (!(error instanceof JournalError)) throw error;
}

/** Of no password. */
const nobody = `scrypt$32768$8$3$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** Another one for another role or password. */
function markOf({ name, role, password }: User): string {
  return digest(JSON.stringify([name, role, password]));
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
