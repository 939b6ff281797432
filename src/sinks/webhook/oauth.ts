import * as oauth from 'oauth4webapi';
import type { Dispatcher } from 'undici';
import { Deadlines } from '../../common/async/deadlines.ts';
import { codeOf, reasonOf } from '../../common/errors.ts';
import type { Mask } from '../../common/text/secret-mask.ts';
import { roundTrip } from '../http/round-trip.ts';
import { SinkUnavailable } from '../sink.ts';
import type { OAuth2Options } from './options.ts';

interface Token {
  readonly value: string;
  /** Unix milliseconds from which on another one is fetched. */
  readonly renewAt: number;
}

/** Fetches tokens with the client's credentials, keeps each as long as it is good, and never fetches two at a time. */
export class TokenSource {
  readonly #options: OAuth2Options;
  readonly #dispatcher: Dispatcher;
  readonly #deadlines: Deadlines;
  readonly #mask: Mask;
  readonly #closing = new AbortController();
  #token: Token | undefined;
  #fetching: Promise<string> | undefined;

  /** @param timeout milliseconds that fetching one may take */
  constructor(options: OAuth2Options, dispatcher: Dispatcher, timeout: number, mask: Mask) {
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#deadlines = new Deadlines(timeout);
    this.#mask = mask;
  }

  /** The token that there is, good or not. */
  get current(): string | undefined {
    return this.#token?.value;
  }

  /** @throws SinkUnavailable when there is none to be had: that says nothing about any notification */
  async get(): Promise<string> {
    if (this.#token !== undefined && Date.now() < this.#token.renewAt) return this.#token.value;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** The receiver has refused this token: the next one is a new one. */
  refuse(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#fetching?.catch(() => undefined);
    this.#deadlines.close();
    await this.#dispatcher.destroy();
  }

  async #fetch(): Promise<string> {
    const { origin } = new URL(this.#options.tokenUrl);
    try {
      const { access_token: value, expires_in: seconds } = await this.#request();
      if (!/^[\x21-\x7e]+$/.test(value)) throw new Error('the token holds characters that no header may');
      this.#token = {
        value,
        renewAt: seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + goodFor(seconds),
      };
      return value;
    } catch (cause) {
      throw new SinkUnavailable(`${origin} gives no token: ${this.#mask(problemOf(cause))}`);
    }
  }

  async #request(): Promise<oauth.TokenEndpointResponse> {
    const { tokenUrl, clientId, clientSecret, clientAuth, parameters } = this.#options;
    const server = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
    const client = { client_id: clientId };
    const secret =
      clientAuth === 'basic' ? oauth.ClientSecretBasic(clientSecret) : oauth.ClientSecretPost(clientSecret);
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      secret,
      { ...parameters },
      {
        // The token may come from the operator's own network, as the receiver may be there.
        [oauth.allowInsecureRequests]: true,
        [oauth.customFetch]: (url, { method, headers, body }) =>
          this.#send(new URL(url), method, headers, String(body)),
      },
    );
    return oauth.processClientCredentialsResponse(server, client, response);
  }

  async #send(
    { origin, pathname, search }: URL,
    method: string,
    headers: Record<string, string>,
    body: string,
  ): Promise<Response> {
    const request = { origin, path: `${pathname}${search}`, method, headers, body };
    const answer = await roundTrip(this.#dispatcher, request, this.#deadlines, this.#closing.signal);
    const type = String(answer.headers['content-type'] ?? '');
    const challenge = answer.headers['www-authenticate'];
    return new Response(answer.status === 204 ? null : answer.body.toString(), {
      status: answer.status,
      headers: { 'content-type': type, ...(challenge && { 'www-authenticate': String(challenge) }) },
    });
  }
}

/** Milliseconds for which a token is used that is good for so many seconds: it must not run out on its way. */
function goodFor(seconds: number): number {
  return Math.max(seconds / 2, seconds - 60) * 1000;
}

function problemOf(error: unknown): string {
  if (error instanceof oauth.ResponseBodyError) {
    return [`it answered ${error.status}`, error.error, error.error_description]
      .filter(Boolean)
      .join(': ')
      .slice(0, 300);
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return `it answered ${error.status}: clientId or clientSecret is wrong`;
  if (error instanceof oauth.OperationProcessingError && error.cause instanceof Response) {
    return `it answered ${error.cause.status}, and not what OAuth 2 says`;
  }
  return reasonOf(error) || (codeOf(error) ?? 'the connection failed');
}
