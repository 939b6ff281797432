import { hash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Delivery } from '../../notification/envelope.ts';

export interface Signer {
  /**
   * The headers of Standard Webhooks. The id stays the same however often a notification is sent.
   * @param now Unix milliseconds
   */
  headersFor(batch: readonly Delivery[], body: string, now: number): Record<string, string>;
}

/**
 * @param secrets each makes a signature of its own, so that one can replace another step by step; none makes none
 * @throws Error when one isn't base64, with or without `whsec_` before it; it isn't shown
 */
export function createSigner(secrets: readonly string[]): Signer {
  const hooks = secrets.map(hookOf);
  return {
    headersFor(batch, body, now) {
      const id = webhookId(batch);
      const time = new Date(now);
      const headers = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(now / 1000)) };
      if (hooks.length === 0) return headers;
      return { ...headers, 'webhook-signature': hooks.map((hook) => hook.sign(id, time, body)).join(' ') };
    },
  };
}

function hookOf(secret: string): Webhook {
  const key = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
  if (key === undefined || Buffer.from(key, 'base64').length < shortestKey) {
    throw new Error(`must be whsec_ and at least ${shortestKey} bytes in base64: openssl rand -base64 32 makes some`);
  }
  return new Webhook(Buffer.from(key, 'base64').toString('base64'));
}

/** Bytes; Standard Webhooks says 24 to 64, but a receiver may have given out less. */
const shortestKey = 16;

/** A batch of several is known by all that is in it. */
function webhookId(batch: readonly Delivery[]): string {
  const [first, ...others] = batch.map(({ header }) => header.id);
  if (others.length === 0) return first ?? '';
  return `batch-${hash('sha256', [first, ...others].join(), 'hex').slice(0, 32)}`;
}
