import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Dispatcher } from 'undici';
import { reasonOf } from '../../common/errors.ts';
import { addressAttemptTimeout } from '../../common/net/addresses.ts';
import { explainTls, readTls, type TlsFiles } from '../../common/net/tls.ts';
import { SinkUnavailable } from '../sink.ts';
import { withRepairedHeads } from './answer-head.ts';
import { needsProxy, proxyVariables } from './proxy.ts';
import { Agent, buildConnector, EnvHttpProxyAgent, Pool, ProxyAgent } from './undici.ts';

/** Times are milliseconds. */
export interface TransportOptions {
  readonly timeout: { readonly connect: number };
  readonly concurrency: number;
  readonly tls: TlsFiles & { readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'; readonly verify?: boolean };
  readonly proxy: string;
  readonly http2: boolean;
  readonly allowPrivateNetworks: boolean;
}

/**
 * The connections of a sink: kept alive, as many as it may have requests at a time.
 * @param target where its requests go: whether they take a proxy depends on that
 * @throws SinkUnavailable when a file of the TLS options, or a proxy of the environment, can't be used
 */
export function openTransport(options: TransportOptions, target: string): Dispatcher {
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

function tlsOf({
  minVersion = 'TLSv1.2',
  verify = true,
  ...given
}: TransportOptions['tls']): buildConnector.BuildOptions {
  const files = filesOf(given);
  try {
    // Without files there is nothing to refuse, and a route that needs no TLS doesn't load it.
    if (Object.keys(files).length > 0) process.getBuiltinModule('node:tls').createSecureContext(files);
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

/**
 * Resolves a name, without addresses that aren't public. It is part of the connection, so that the checked address is
 * the one that is connected to, even if the name changes its address a moment later.
 */
export function publicLookup(lookup = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => isPublic(address));
      const [first] = allowed;
      if (first === undefined) return callback(new PrivateAddress(hostname), []);
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** Refuses hosts that are an address, and not a public one: those are never looked up. */
function publicConnector(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    const host = options.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0 && !isPublic(host)) callback(new PrivateAddress(host), null);
    else connect(options, callback);
  };
}

/** A host whose addresses are none that a request may go to. */
class PrivateAddress extends Error {
  readonly code = 'EPRIVATE';

  constructor(host: string) {
    super(`${host} is not a public address, and allowPrivateNetworks is false`);
  }
}

/** True for an address of the internet at large; false for private, loopback, link-local, reserved and the like. */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address inside an IPv6 one is looked at itself.
  const address = ipaddr.process(text);
  return address.range() === 'unicast' && (address.kind() === 'ipv4' || address.match(globalUnicast));
}

/** All that is given out of IPv6 to the internet at large: RFC 4291, section 2.4, and IANA's list. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');
