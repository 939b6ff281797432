import { isHolder, type Json } from '../common/json.ts';
import { createMask, type Mask } from '../common/text/secret-mask.ts';
import type { Delivery } from '../notification/envelope.ts';
import type { Outcome } from '../sinks/sink.ts';

/** Takes the secrets of a batch out of what a sink says of it: a receiver may send back what it was sent. */
interface Discretion {
  inOutcomes(outcomes: readonly Outcome[]): readonly Outcome[];
  /** Changes the error itself, and what it was caused by. */
  inError(error: unknown): void;
}

/** Undefined for a batch without secrets, as nearly all are. */
export function discretionFor(batch: readonly Delivery[]): Discretion | undefined {
  if (batch.every(({ secrets }) => secrets.length === 0)) return undefined;
  const mask = rememberingMask(batch);
  return {
    inOutcomes: (outcomes) =>
      outcomes.map((outcome) =>
        outcome.status === 'delivered' ? outcome : { ...outcome, reason: mask(outcome.reason) },
      ),
    inError(error) {
      const chain = new Set<unknown>();
      for (let one = error; Error.isError(one) && !chain.has(one); one = one.cause) {
        chain.add(one);
        one.message = mask(one.message);
        if (one.stack !== undefined) one.stack = mask(one.stack);
      }
    },
  };
}

/** A body that holds more was made to do harm: rather than looking for all of them, nothing is said. */
const mostValues = 1_000;

/** Nearly always, one reason is said of a whole batch. */
function rememberingMask(batch: readonly Delivery[]): Mask {
  let mask: Mask | undefined;
  const known = new Map<string, string>();
  return (text) => {
    mask ??= maskOf(batch.flatMap(({ secrets }) => secrets.flatMap(({ value }) => textsIn(value))));
    const masked = known.get(text) ?? mask(text);
    known.set(text, masked);
    return masked;
  };
}

function maskOf(texts: readonly string[]): Mask {
  const secrets = [...new Set(texts)];
  return secrets.length > mostValues ? () => 'it is not said why: that may hold a secret' : createMask(() => secrets);
}

function textsIn(value: Json | undefined): string[] {
  if (isHolder(value)) return Object.values(value).flatMap(textsIn);
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}
