import { codeOf, reasonOf } from '../../common/errors.ts';
import { type Mailbox, readMailbox } from '../../common/text/mailbox.ts';
import { createMask, type Mask } from '../../common/text/secret-mask.ts';
import { delivered, type Outcome, SinkUnavailable } from '../sink.ts';
import { Connection, type Taken } from './connection.ts';
import { HourlyCap } from './hourly-cap.ts';
import { capLetter, type Letter } from './letter.ts';
import { compose, messageIdOf } from './message.ts';
import type { EmailSinkOptions } from './options.ts';
import { outcomeOf } from './outcome.ts';
import { Pool } from './pool.ts';
import { fixedMailboxes, served } from './recipients.ts';

/** An e-mail before it is sent. */
export interface Draft {
  readonly messageId: string;
  readonly to: readonly Mailbox[];
  readonly letter: Letter;
  readonly isProbe?: boolean;
}

/** How many e-mails are remembered that some of their recipients have, and others don't. */
const mostPartly = 1_000;

/** Sends e-mails: at most so many an hour, and none to somebody who has it. */
export class Mailer {
  /** Who sends them. */
  readonly from: Mailbox;
  readonly #options: EmailSinkOptions;
  readonly #route: string;
  readonly #pool: Pool;
  readonly #cap: HourlyCap;
  readonly #serves: ReturnType<typeof served>;
  readonly #mask: Mask;
  /** Who has an e-mail that others don't have yet, by its Message-ID. */
  readonly #have = new Map<string, ReadonlySet<string>>();

  constructor(options: EmailSinkOptions, route: string) {
    this.#options = options;
    this.#route = route;
    // The options' format lets nothing else through.
    this.from = readMailbox(options.from) ?? { name: '', address: options.from };
    this.#mask = passwordMask(options);
    this.#pool = new Pool((signal) => Connection.open(options, signal));
    this.#cap = new HourlyCap(options.maxPerHour);
    this.#serves = served(options);
  }

  /**
   * Sends it to those who don't have it yet.
   * @param hear gets the server's last answer
   * @throws SinkUnavailable; the signal's reason
   */
  async send(draft: Draft, signal: AbortSignal, hear?: (answer: string) => void): Promise<Outcome> {
    const { messageId, to } = draft;
    const have = this.#have.get(messageId) ?? new Set();
    const rest = to.filter(({ address }) => !have.has(address));
    if (rest.length === 0) return delivered;
    const giveBack = await this.#turn(signal);
    let mayHaveIt = false;
    const begin = () => {
      mayHaveIt = true;
    };
    try {
      const taken = await this.#hand(draft, rest, signal, begin);
      hear?.(this.#mask(taken.answer));
      if (taken.accepted.length === 0) giveBack();
      else this.#remember(messageId, new Set([...have, ...taken.accepted]));
      const outcome = outcomeOf(taken, have.size + taken.accepted.length, this.#serves);
      return 'reason' in outcome ? { ...outcome, reason: this.#mask(outcome.reason) } : outcome;
    } catch (cause) {
      if (!mayHaveIt) giveBack();
      signal.throwIfAborted();
      throw unavailable(this.#options, cause);
    }
  }

  /** Everybody has it: if it is sent again, that is meant. */
  forget(messageId: string): void {
    this.#have.delete(messageId);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** @param begin is called when there is a connection to send it on */
  async #hand(draft: Draft, rest: readonly Mailbox[], signal: AbortSignal, begin?: () => void): Promise<Taken> {
    const { messageId, to, letter, isProbe = false } = draft;
    const head = { messageId, from: this.from, to, route: this.#route, isProbe };
    const message = await compose(head, letter);
    const addresses = rest.map(({ address }) => address);
    return this.#pool.use(signal, (connection) => {
      begin?.();
      return connection.send(this.from.address, addresses, message);
    });
  }

  #remember(messageId: string, addresses: ReadonlySet<string>): void {
    this.#have.set(messageId, addresses);
    const [oldest] = this.#have.keys();
    if (this.#have.size > mostPartly && oldest !== undefined) this.#have.delete(oldest);
  }

  /** Takes a place among those of this hour; returns how to give it back. @throws SinkUnavailable when there is none */
  async #turn(signal: AbortSignal): Promise<() => void> {
    const now = performance.now();
    const wait = this.#cap.wait(now);
    if (wait === 0) return this.#cap.take(now);
    if (this.#cap.mayTell(now)) await this.#tellOfCap(Date.now() + wait, signal);
    const { maxPerHour } = this.#options;
    throw new SinkUnavailable(
      `maxPerHour: ${maxPerHour} e-mails went out within an hour, and the next ones wait. Raise it, or select fewer events`,
      { probeAfter: wait, code: 'maxPerHour' },
    );
  }

  /** To those who get every e-mail. Where that fails, the route's state says the same. */
  async #tellOfCap(until: number, signal: AbortSignal): Promise<void> {
    const to = fixedMailboxes(this.#options);
    if (to.length === 0) return;
    const letter = capLetter(this.#options.maxPerHour, until, this.#route);
    const messageId = messageIdOf([`cap-${until}`], this.#route, this.from);
    await this.#hand({ messageId, to, letter }, to, signal).catch(() => undefined);
  }
}

/** Says that the mail server can't be used. It has no cause: in that, a server may have quoted the password. */
export function unavailable(options: EmailSinkOptions, cause: unknown): SinkUnavailable {
  const reason = passwordMask(options)(reasonOf(cause));
  return new SinkUnavailable(`${options.url}: ${reason}`, { code: codeOf(cause) });
}

function passwordMask({ auth }: EmailSinkOptions): Mask {
  return createMask(() => (auth === undefined ? [] : [auth.password]));
}
