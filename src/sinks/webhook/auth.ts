import { hash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Dispatcher } from 'undici';
import type { Mask } from '../../common/text/secret-mask.ts';
import type { Delivery } from '../../notification/envelope.ts';
import type { Credentials } from './http.ts';
import type { TokenSource } from './oauth.ts';
import type { WebhookOptions } from './options.ts';

/** The credentials of a request. */
export interface Auth extends Credentials {
  /** `Basic`, `Bearer`; undefined where nothing is said. */
  readonly scheme: string | undefined;
  /** What must be hidden. */
  secrets(): string[];
  close(): Promise<void>;
}

/** @param openTransport for requests to the token endpoint; it is closed with what this returns */
export async function createAuth(
  { auth, timeout }: WebhookOptions,
  openTransport: (target: string) => Dispatcher,
  mask: Mask,
): Promise<Auth> {
  if (auth.oauth2 !== undefined) {
    const { TokenSource } = await import('./oauth.ts');
    return tokenAuth(
      new TokenSource(auth.oauth2, openTransport(auth.oauth2.tokenUrl), timeout.total, mask),
      auth.oauth2.clientSecret,
    );
  }
  if (auth.bearer !== undefined) return constantAuth(`Bearer ${auth.bearer.token}`, [auth.bearer.token]);
  if (auth.basic === undefined) return constantAuth(undefined, []);
  const { user, password } = auth.basic;
  const credentials = Buffer.from(`${user}:${password}`).toString('base64');
  return constantAuth(`Basic ${credentials}`, [password, credentials]);
}

function constantAuth(header: string | undefined, secrets: string[]): Auth {
  const [scheme] = header?.split(' ') ?? [];
  return { scheme, header: () => header, refused: () => false, secrets: () => secrets, async close() {} };
}

function tokenAuth(tokens: TokenSource, clientSecret: string): Auth {
  return {
    scheme: 'Bearer',
    header: async () => `Bearer ${await tokens.get()}`,
    refused(header) {
      tokens.refuse(header?.replace(/^Bearer /, '') ?? '');
      return true;
    },
    secrets: () => [clientSecret, ...(tokens.current === undefined ? [] : [tokens.current])],
    close: () => tokens.close(),
  };
}

interface Signer {
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
