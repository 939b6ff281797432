import { createSecureContext } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from 'undici';
import { reasonOf } from '../../common/errors.ts';
import { addressAttemptTimeout } from '../../common/net/addresses.ts';
import { explainTls, readTls, type TlsFiles } from '../../common/net/tls.ts';
import { SinkUnavailable } from '../sink.ts';
import { withRepairedHeads } from './answer-head.ts';
import { proxyVariables, type TlsOptions, type WebhookOptions } from './options.ts';
import { publicConnector, publicLookup } from './private-networks.ts';
import { needsProxy } from './proxy.ts';

/**
 * The connections of a sink: kept alive, as many as it may have requests at a time.
 * @param target where its requests go: whether they take a proxy depends on that
 * @throws SinkUnavailable when a file of the TLS options, or a proxy of the environment, can't be used
 */
export function openTransport(options: WebhookOptions, target = options.url): Dispatcher {
  const { proxy, concurrency, timeout, allowPrivateNetworks, http2 } = options;
  const patience = { timeout: timeout.connect, ...addressAttemptTimeout(timeout.connect) };
  const toReceiver = {
    ...tlsOf(options.tls),
    ...patience,
    allowH2: http2,
    preferH2: http2,
    ...(!allowPrivateNetworks && { lookup: publicLookup() }),
  };
  const connect = buildConnector(toReceiver);
  const agent = {
    connections: concurrency,
    allowH2: http2,
    connect: allowPrivateNetworks ? connect : publicConnector(connect),
    // How long all may take is watched over each request as a whole.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (origin: string | URL, settings: Pool.Options) =>
      new Pool(origin, { ...settings, connect: repaired(settings.connect) }),
  };
  // A proxy chooses the address itself: where addresses are checked, there is none.
  if (!allowPrivateNetworks || proxy === 'none' || (proxy === 'environment' && !needsProxy(target)))
    return new Agent(agent);
  const throughProxy = {
    ...agent,
    requestTls: toReceiver,
    // Always set, as in tlsOf: NODE_TLS_REJECT_UNAUTHORIZED must not switch the check off.
    proxyTls: { ...patience, rejectUnauthorized: true },
    // A proxy that takes the connection and doesn't answer would hold it for minutes.
    clientFactory: (origin: URL, settings: object) =>
      new Pool(origin, { ...settings, headersTimeout: timeout.connect }),
  };
  try {
    return proxy === 'environment'
      ? new EnvHttpProxyAgent({ ...throughProxy, noProxy: '' })
      : new ProxyAgent({ ...throughProxy, uri: proxy });
  } catch {
    // The error itself holds the URL, which may hold a password.
    const where =
      proxy === 'environment' ? `one of ${proxyVariables.join(', ')} in the environment` : 'the option proxy';
    throw new SinkUnavailable(`${where} is no URL of a proxy, such as http://user:password@host:3128`);
  }
}

/** Of a connection that undici's agents make, whichever way they take. */
function repaired(connect: Pool.Options['connect']): buildConnector.connector {
  return withRepairedHeads(typeof connect === 'function' ? connect : buildConnector(connect ?? {}));
}

function tlsOf({ minVersion, verify, ...given }: TlsOptions): buildConnector.BuildOptions {
  const files = filesOf(given);
  try {
    createSecureContext(files);
  } catch (cause) {
    throw new SinkUnavailable(`the files of tls can't be used: ${reasonOf(explainTls(cause))}`, { cause });
  }
  return { ...files, minVersion, rejectUnauthorized: verify };
}

function filesOf(given: TlsFiles): ReturnType<typeof readTls> {
  try {
    return readTls(given);
  } catch (cause) {
    throw new SinkUnavailable(reasonOf(cause), { cause });
  }
}
