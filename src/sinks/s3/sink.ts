import { createMask, type Mask } from '../../common/text/secret-mask.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { failureOutcome, showAnswer } from '../http/outcome.ts';
import { proxySecrets } from '../http/proxy.ts';
import type { Answer } from '../http/round-trip.ts';
import { type Outcome, type ProbeReport, type Sink, type SinkKind, SinkUnavailable } from '../sink.ts';
import { isTooLarge, outcomeOf } from './answer.ts';
import { objectOf } from './object.ts';
import { prefixOf } from './object-key.ts';
import { type S3SinkOptions, s3Declaration } from './options.ts';
import { placeOf, type SignedRequest, Store } from './store.ts';

/** Objects of NDJSON. What the store's answer means stands in `answer.ts`. */
export const s3Sink: SinkKind<S3SinkOptions> = {
  ...s3Declaration,

  async connectionTest(options) {
    const store = new Store(options);
    const place = placeOf(options);
    const mask = maskOf(options);
    try {
      // The answer to HEAD would have no word about what is wrong.
      const request = await store.signed('GET', '/?list-type=2&max-keys=1', {}, null);
      const answer = await answerTo(store, request, place, mask, new AbortController().signal);
      const outcome = outcomeOf(answer, place, mask);
      if (outcome.status === 'delivered') return `${place} can be read with this key; ${notKnown}`;
      if (answer.status === 403)
        return `${place} answers; the key may not list it, which it need not for storing objects; ${notKnown}`;
      throw new Error(outcome.reason);
    } finally {
      await store.close();
    }
  },

  async open(options) {
    return new S3Sink(options);
  },
};

const notKnown = 'whether it may store objects, the first one shows: nothing was stored';

class S3Sink implements Sink {
  readonly #options: S3SinkOptions;
  readonly #store: Store;
  readonly #place: string;
  readonly #mask: Mask;

  constructor(options: S3SinkOptions) {
    this.#options = options;
    this.#store = new Store(options);
    this.#place = placeOf(options);
    this.#mask = maskOf(options);
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const { prefix, concurrency, timeout } = this.#options;
    const outcomes = new Map<Delivery, Outcome>();
    const objects = Map.groupBy(batch, (delivery) => prefixOf(prefix, delivery)).entries();
    // An attempt that exceeds the route's time limit would lose the outcomes of all.
    const until = performance.now() + timeout.total / 2;
    let failure: unknown;
    const storeNext = async (): Promise<void> => {
      for (const [start, deliveries] of objects) {
        if (failure !== undefined || performance.now() > until) return;
        try {
          await this.#put(deliveries, start, outcomes, signal);
        } catch (error) {
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, storeNext));
    if (failure !== undefined && !(failure instanceof SinkUnavailable && outcomes.size > 0)) throw failure;
    const rest = failure === undefined ? tooLate : awayFor(failure);
    return batch.map((delivery) => outcomes.get(delivery) ?? rest);
  }

  async probe(delivery: Delivery, signal: AbortSignal): Promise<ProbeReport> {
    const prefix = prefixOf(this.#options.prefix, delivery);
    const { key, headers, body } = await objectOf([delivery], prefix, this.#options);
    const marked = { ...headers, 'x-amz-meta-kazoo-relay-probe': 'true' };
    const request = await this.#store.signed('PUT', `/${encoded(key)}`, marked, body);
    let answer: Answer | undefined;
    let outcome: Outcome;
    try {
      answer = await answerTo(this.#store, request, this.#place, this.#mask, signal);
      outcome = outcomeOf(answer, this.#place, this.#mask);
    } catch (error) {
      if (!(error instanceof SinkUnavailable)) throw error;
      // A route would pause; a probe reports it.
      outcome = awayFor(error);
    }
    return {
      request: showRequest(request, delivery, this.#mask),
      answer: answer === undefined ? null : showAnswer(answer, this.#mask),
      outcome,
    };
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** One object; where it is too large for the store, two of half as many lines. @throws SinkUnavailable */
  async #put(
    deliveries: readonly Delivery[],
    prefix: string,
    outcomes: Map<Delivery, Outcome>,
    signal: AbortSignal,
  ): Promise<void> {
    const { key, headers, body } = await objectOf(deliveries, prefix, this.#options);
    const request = await this.#store.signed('PUT', `/${encoded(key)}`, headers, body);
    const answer = await answerTo(this.#store, request, this.#place, this.#mask, signal);
    if (isTooLarge(answer) && deliveries.length > 1) {
      const half = Math.ceil(deliveries.length / 2);
      await this.#put(deliveries.slice(0, half), prefix, outcomes, signal);
      await this.#put(deliveries.slice(half), prefix, outcomes, signal);
      return;
    }
    const outcome = outcomeOf(answer, this.#place, this.#mask);
    for (const delivery of deliveries) outcomes.set(delivery, outcome);
  }
}

const tooLate: Outcome = {
  status: 'retry',
  reason:
    'not stored yet: its batch makes more objects than could be sent in half of timeout.total: raise concurrency, or lower batch.max',
};

/** @throws SinkUnavailable where there is no answer */
async function answerTo(
  store: Store,
  request: SignedRequest,
  place: string,
  mask: Mask,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    return await store.send(request, signal);
  } catch (cause) {
    const { reason, code } = failureOutcome(cause, mask);
    throw new SinkUnavailable(`${place}: ${reason}`, { cause, code });
  }
}

function awayFor({ message: reason, code, notBefore }: SinkUnavailable): Outcome {
  return {
    ...{ status: 'retry', reason, away: true },
    ...(code !== undefined && { code }),
    ...(notBefore !== undefined && { notBefore }),
  };
}

/** Of a key, as it stands in a path. */
function encoded(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

/** A request for people to read: its lines before they were compressed, credentials hidden. */
function showRequest({ method, origin, path, headers }: SignedRequest, { json }: Delivery, mask: Mask): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `${name}: ${name === 'authorization' ? `${value.split(' ')[0]} ***` : mask(value)}`,
  );
  return [`${method} ${origin}${path}`, ...lines, '', mask(json)].join('\n');
}

function maskOf({ secretAccessKey, sessionToken, proxy }: S3SinkOptions): Mask {
  const secrets = [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken]), ...proxySecrets(proxy)];
  return createMask(() => secrets);
}
