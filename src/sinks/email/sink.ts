import { reasonOf } from '../../common/errors.ts';
import type { Mailbox } from '../../common/text/mailbox.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { Undeliverable } from '../content.ts';
import { delivered, type Outcome, type ProbeReport, type Sink, type SinkKind, SinkUnavailable } from '../sink.ts';
import { Connection } from './connection.ts';
import { emailDeclaration } from './declaration.ts';
import { digestLetter } from './digest.ts';
import { createLetters } from './letter.ts';
import { type Draft, Mailer, unavailable } from './mailer.ts';
import { messageIdOf } from './message.ts';
import type { EmailSinkOptions } from './options.ts';
import { createRecipients } from './recipients.ts';

/** E-mails through a mail server of the operator's. What its answers mean stands in `outcome.ts`. */
export const emailSink: SinkKind<EmailSinkOptions> = {
  ...emailDeclaration,

  async connectionTest(options) {
    const connection = await Connection.open(options, new AbortController().signal).catch((cause) => {
      throw unavailable(options, cause);
    });
    await connection.quit();
    const login = options.auth === undefined ? '' : ` and the login of ${options.auth.user}`;
    return `${options.url} takes connections${login}; nothing was sent`;
  },

  async open(options, { route }) {
    return new EmailSink(options, route);
  },
};

class EmailSink implements Sink {
  readonly #route: string;
  readonly #mailer: Mailer;
  readonly #letterOf: ReturnType<typeof createLetters>;
  readonly #recipientsOf: ReturnType<typeof createRecipients>;

  constructor(options: EmailSinkOptions, route: string) {
    this.#route = route;
    this.#mailer = new Mailer(options, route);
    this.#letterOf = createLetters(options, route);
    this.#recipientsOf = createRecipients(options);
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const failure = await this.#each(batch, outcomes, async (delivery) => this.#deliverOne(delivery, signal));
    return batch.map((_, at) => outcomes[at] ?? failure ?? delivered);
  }

  /** One e-mail for all whose recipients are the same. */
  async deliverDigest(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const outcomes = new Map<Delivery, Outcome>();
    const groups = this.#groupsOf(batch, outcomes);
    const sent: Outcome[] = [];
    const failure = await this.#each(groups, sent, (group) => this.#send(this.#digestFor(group), signal));
    for (const [at, { deliveries }] of groups.entries())
      for (const delivery of deliveries) outcomes.set(delivery, sent[at] ?? failure ?? delivered);
    return batch.map((delivery) => outcomes.get(delivery) ?? skipped);
  }

  async probe(delivery: Delivery, signal: AbortSignal): Promise<ProbeReport> {
    let request: string | null = null;
    let answer: string | null = null;
    const probe: Probe = {
      sends: (draft) => {
        request = shown(draft, this.#mailer.from);
      },
      hears: (text) => {
        answer = text;
      },
    };
    // A route would pause; a probe reports it.
    const outcome = await this.#deliverOne(delivery, signal, probe).catch(
      (error): Outcome => ({ status: 'retry', reason: reasonOf(error), away: true }),
    );
    return { request, answer, outcome };
  }

  close(): Promise<void> {
    return this.#mailer.close();
  }

  /**
   * One after the other. Those who have theirs keep it when the server goes away in between.
   * @returns what becomes of the rest then
   * @throws SinkUnavailable where nobody has got anything
   */
  async #each<T>(
    all: readonly T[],
    outcomes: Outcome[],
    send: (one: T) => Promise<Outcome>,
  ): Promise<Outcome | undefined> {
    try {
      for (const one of all) outcomes.push(await send(one));
      return undefined;
    } catch (error) {
      if (!(error instanceof SinkUnavailable) || outcomes.every(({ status }) => status !== 'delivered')) throw error;
      return { status: 'retry', reason: error.message, away: true };
    }
  }

  async #deliverOne(delivery: Delivery, signal: AbortSignal, probe?: Probe): Promise<Outcome> {
    const draft = orDead(() => this.#draft(delivery, probe !== undefined));
    if ('status' in draft) return draft;
    probe?.sends(draft);
    return this.#send(draft, signal, probe?.hears);
  }

  async #send(draft: Draft, signal: AbortSignal, hear?: (answer: string) => void): Promise<Outcome> {
    const outcome = await this.#mailer.send(draft, signal, hear);
    if (outcome.status === 'delivered') this.#mailer.forget(draft.messageId);
    return outcome;
  }

  #draft(delivery: Delivery, isProbe: boolean): Draft | Outcome {
    const { envelope } = delivery;
    const to = this.#recipientsOf(envelope);
    if (to.length === 0) return skipped;
    const messageId = messageIdOf([envelope.id], this.#route, this.#mailer.from);
    return { messageId, to, letter: this.#letterOf(delivery), isProbe };
  }

  /** By their recipients. @param outcomes gets those of notifications that no address results for */
  #groupsOf(batch: readonly Delivery[], outcomes: Map<Delivery, Outcome>): Group[] {
    const told = batch.flatMap((delivery) => {
      const to = orDead(() => this.#recipientsOf(delivery.envelope));
      if (!('status' in to)) return to.length === 0 ? [] : [{ delivery, to }];
      outcomes.set(delivery, to);
      return [];
    });
    const addressesOf = ({ to }: { to: readonly Mailbox[] }) => to.map(({ address }) => address).toSorted();
    return [...Map.groupBy(told, (one) => addressesOf(one).join(' ')).values()].map((alike) => ({
      to: alike[0]?.to ?? [],
      deliveries: alike.map(({ delivery }) => delivery),
    }));
  }

  #digestFor({ to, deliveries }: Group): Draft {
    const ids = deliveries.map(({ envelope }) => envelope.id);
    const [only, ...others] = deliveries;
    const letter = only && others.length === 0 ? this.#letterOf(only) : digestLetter(deliveries, this.#route);
    return { messageId: messageIdOf(ids, this.#route, this.#mailer.from), to, letter };
  }
}

/** Notifications that the same people get. */
interface Group {
  readonly to: readonly Mailbox[];
  readonly deliveries: Delivery[];
}

/** What a probe sees. */
interface Probe {
  sends(draft: Draft): void;
  hears(answer: string): void;
}

/** The operator wants nothing to become of it. */
const skipped: Outcome = { status: 'delivered', code: 'no address' };

function orDead<T>(work: () => T): T | Outcome {
  try {
    return work();
  } catch (error) {
    if (error instanceof Undeliverable) return { status: 'dead', reason: error.message };
    throw error;
  }
}

/** An e-mail for people to read. */
function shown({ messageId, to, letter }: Draft, from: Mailbox): string {
  const head = {
    From: named(from),
    To: to.map(named).join(', '),
    Subject: letter.subject,
    'Message-ID': messageId,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
  return `${lines.join('\n')}\n\n${letter.text}`;
}

function named({ name, address }: Mailbox): string {
  return name === '' ? address : `${name} <${address}>`;
}
