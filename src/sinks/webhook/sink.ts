import { setTimeout as delay } from 'node:timers/promises';
import { Deadlines } from '../../common/async/deadlines.ts';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import { createMask, type Mask } from '../../common/text/secret-mask.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { Undeliverable } from '../content.ts';
import { failureOutcome, retryAfter, showAnswer } from '../http/outcome.ts';
import type { Answer, Request } from '../http/round-trip.ts';
import { type Outcome, type ProbeReport, type Sink, type SinkKind, SinkUnavailable } from '../sink.ts';
import { createAddress } from './address.ts';
import { type Auth, createAuth } from './auth.ts';
import { webhookDeclaration } from './declaration.ts';
import { rateLimitOf } from './formats/presets.ts';
import { type HttpClient, send } from './http.ts';
import type { WebhookOptions } from './options.ts';
import { outcomeOf } from './outcome.ts';
import { RateLimiter } from './rate-limiter.ts';
import { createRequestMaker, credentialHeaders, type RequestMaker, secretsOf, showRequest } from './request.ts';

/** HTTP requests to a receiver of the operator's. What its answer means stands in `outcome.ts`. */
export const webhookSink: SinkKind<WebhookOptions> = {
  ...webhookDeclaration,
  connectionTest: async (options) => (await import('./connection-test.ts')).connectionTest(options),

  async open(options, { log }) {
    // The library takes a while to load, and much memory: only who has such a route pays for it.
    const { openTransport } = await import('../http/transport.ts');
    const address = createAddress(options.url);
    const secrets = secretsOf(options, address);
    let auth: Auth | undefined;
    const mask = createMask(() => [...secrets, ...(auth?.secrets() ?? [])]);
    const make = createRequestMaker(options, address);
    const dispatcher = openTransport(options, options.url);
    // The receiver's name is of no use at the token endpoint, which is elsewhere.
    auth = await createAuth(
      options,
      (target) => openTransport({ ...options, tls: { ...options.tls, serverName: undefined } }, target),
      mask,
    );
    if (!options.tls.verify) log.warn({ receiver: address.origin }, messages.notVerified);
    const deadlines = new Deadlines(options.timeout.total);
    const credentials = credentialHeaders(options);
    const serves = address.placeholders.includes('account_id') ? 'account' : 'all';
    return new WebhookSink(options, {
      origin: address.origin,
      serves,
      make,
      mask,
      dispatcher,
      auth,
      deadlines,
      credentials,
    });
  },
};

interface Parts extends HttpClient {
  readonly auth: Auth;
  readonly origin: string;
  readonly serves: 'all' | 'account';
  readonly make: RequestMaker;
  readonly mask: Mask;
}

/**
 * Longest time that a delivery waits for its turn, in milliseconds; beyond it, the route waits instead, whose patience
 * has an end.
 */
const longestTurn = 15_000;

/** Answers that blame what was sent. In a batch, it may be one notification of many. */
const blaming: ReadonlySet<number | string | undefined> = new Set([400, 413, 422]);

function mayBlameOne(batch: readonly Delivery[], outcome: Outcome): boolean {
  return batch.length > 1 && outcome.status === 'dead' && blaming.has(outcome.code);
}

const tooLate: Outcome = {
  status: 'retry',
  reason: 'not sent by itself yet: to find out which one of its batch is refused took too long',
};

/** For how long the receiver asks to be left alone, in milliseconds; 0 where it has said nothing. */
function waitAskedFor(answer: Answer): number {
  const now = Date.now();
  return (retryAfter(answer, now) ?? now) - now;
}

class WebhookSink implements Sink {
  readonly #options: WebhookOptions;
  readonly #parts: Parts;
  readonly #limiter: RateLimiter;

  constructor(options: WebhookOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#limiter = new RateLimiter(rateLimitOf(options));
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    if (batch.length === 0) return [];
    const outcome = await this.#sendOnce(batch, signal);
    if (!mayBlameOne(batch, outcome)) return batch.map(() => outcome);
    return this.#divide(batch, performance.now() + this.#options.timeout.total / 2, signal);
  }

  /** A preset has a message for several. */
  async deliverDigest(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const outcome = await this.#sendOnce(batch, signal);
    return batch.map(() => outcome);
  }

  async probe(delivery: Delivery, signal: AbortSignal): Promise<ProbeReport> {
    const { mask, auth } = this.#parts;
    let request: Request | undefined;
    let answer: Answer | undefined;
    const probe: Probe = {
      headers: { 'x-kazoo-relay-probe': 'true' },
      see: (sent, answered) => {
        request = sent;
        answer = answered;
      },
    };
    // A route would pause; a probe reports it.
    const outcome = await this.#sendOnce([delivery], signal, probe).catch(
      (error): Outcome => ({ status: 'retry', reason: reasonOf(error), away: true }),
    );
    const authorization = auth.scheme === undefined ? {} : { authorization: `${auth.scheme} ***` };
    return {
      request: request === undefined ? null : showRequest(request, authorization, this.#options, mask),
      answer: answer === undefined ? null : showAnswer(answer, mask),
      outcome,
    };
  }

  async close(): Promise<void> {
    await this.#parts.auth.close();
    await this.#parts.dispatcher.destroy();
    this.#parts.deadlines.close();
  }

  /**
   * Halves a batch until the part that the receiver refuses is alone.
   * @param until when the rest is left for the next attempt, by the monotonic clock: an attempt that exceeds its time
   * limit would lose the results of the others
   */
  async #divide(batch: readonly Delivery[], until: number, signal: AbortSignal): Promise<Outcome[]> {
    const half = Math.ceil(batch.length / 2);
    let outcomes: Outcome[] = [];
    for (const part of [batch.slice(0, half), batch.slice(half)]) {
      const outcome = performance.now() < until ? await this.#sendPart(part, signal) : tooLate;
      const blamesOne = mayBlameOne(part, outcome);
      outcomes = outcomes.concat(blamesOne ? await this.#divide(part, until, signal) : part.map(() => outcome));
    }
    return outcomes;
  }

  /** Where others of the batch have their outcomes already, it may not come again as a whole. */
  async #sendPart(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.#sendOnce(batch, signal);
    } catch (error) {
      if (!(error instanceof SinkUnavailable)) throw error;
      return { status: 'retry', reason: error.message, away: true };
    }
  }

  /** One request. @throws SinkUnavailable */
  async #sendOnce(batch: readonly Delivery[], signal: AbortSignal, probe?: Probe): Promise<Outcome> {
    if (this.#limiter.wait(performance.now()) > 0) await this.#turn(signal);
    else this.#limiter.take(performance.now());
    const { mask, origin, serves } = this.#parts;
    const sentAt = performance.now();
    const made = this.#make(batch, Date.now());
    if ('status' in made) return made;
    const request = probe === undefined ? made : { ...made, headers: { ...made.headers, ...probe.headers } };
    probe?.see(request, undefined);
    let answer: Answer;
    try {
      answer = await send(request, this.#options.redirects, this.#parts, signal);
    } catch (error) {
      if (error instanceof SinkUnavailable) throw error;
      return failureOutcome(error, mask);
    }
    probe?.see(request, answer);
    const now = performance.now();
    if (answer.status === 429) this.#limiter.slowDown(now, sentAt, now + waitAskedFor(answer));
    else if (answer.status < 300) this.#limiter.accepted(now);
    return outcomeOf(answer, { origin, serves }, mask);
  }

  #make(batch: readonly Delivery[], now: number): Request | Outcome {
    const { make, mask } = this.#parts;
    try {
      return make(batch, now);
    } catch (error) {
      if (error instanceof Undeliverable) return { status: 'dead', reason: mask(error.message) };
      throw error;
    }
  }

  /** Resolves when the next request may go. @throws SinkUnavailable when that takes too long */
  async #turn(signal: AbortSignal): Promise<void> {
    const until = performance.now() + longestTurn;
    for (let now = performance.now(), wait = this.#limiter.wait(now); wait > 0; wait = this.#limiter.wait(now)) {
      // Others may have been before it each time.
      if (now + wait > until || signal.aborted) this.#mustWait(wait);
      await delay(wait, undefined, { signal }).catch(() => undefined);
      now = performance.now();
    }
    this.#limiter.take(performance.now());
  }

  #mustWait(wait: number): never {
    throw new SinkUnavailable(
      `the next request to ${this.#parts.origin} has to wait: its rate is limited, by rateLimit or by an answer of 429`,
      { probeAfter: wait },
    );
  }
}

/** What a probe adds to a request, and how it sees request and answer. */
interface Probe {
  readonly headers: Readonly<Record<string, string>>;
  see(request: Request, answer: Answer | undefined): void;
}
