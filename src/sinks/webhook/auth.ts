import type { Dispatcher } from 'undici';
import type { Mask } from '../../common/text/secret-mask.ts';
import type { Credentials } from './http.ts';
import type { TokenSource } from './oauth.ts';
import type { WebhookOptions } from './options.ts';

/** What a request says about who sends it. */
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
