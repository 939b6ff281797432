import type { Dispatcher } from 'undici';
import { reasonOf } from '../../common/errors.ts';
import { explainTls } from '../../common/net/tls.ts';
import { createMask } from '../../common/text/secret-mask.ts';
import { openTransport } from '../http/transport.ts';
import { createAddress } from './address.ts';
import { createAuth } from './auth.ts';
import type { WebhookOptions } from './options.ts';
import { secretsOf } from './request.ts';

/**
 * Connects to the receiver as a request would, through proxy and TLS, and sends none; where there is OAuth 2, fetches a
 * token.
 * @throws Error that says what failed, without a secret
 */
export async function connectionTest(options: WebhookOptions): Promise<string> {
  const address = createAddress(options.url);
  const secrets = secretsOf(options, address);
  const mask = createMask(() => secrets);
  const dispatcher = openTransport(options, options.url);
  const elsewhere = { ...options, tls: { ...options.tls, serverName: undefined } };
  const auth = await createAuth(options, (target) => openTransport(elsewhere, target), mask);
  try {
    await connect(dispatcher, address.origin, options.timeout.connect).catch((cause) => {
      throw new Error(
        `${address.origin} can't be reached: ${mask(reasonOf(explainTls(cause)) || String(cause.code))}`,
        { cause },
      );
    });
    await auth.header();
    const token = options.auth.oauth2 === undefined ? '' : '; its token could be fetched';
    return `${address.origin} takes connections${token}; nothing was sent to it`;
  } finally {
    await auth.close();
    await dispatcher.destroy();
  }
}

/** Resolves when the connection stands. The request that it is made for is taken back before a byte of it is sent. */
function connect(dispatcher: Dispatcher, origin: string, timeout: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error(`no connection within ${timeout} ms`)), timeout);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      resolve();
      controller.abort(new Error('only the connection was wanted'));
    },
    // What there is no answer to has none of these, and undici wants them all.
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd() {},
    onResponseError: (_controller, error) => reject(error),
  };
  dispatcher.dispatch({ origin, path: '/', method: 'GET' }, handler);
  return promise.finally(() => clearTimeout(late));
}
