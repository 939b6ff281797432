import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { buildConnector } from 'undici';

/** A host whose addresses are none that a request may go to. */
class PrivateAddress extends Error {
  readonly code = 'EPRIVATE';

  constructor(host: string) {
    super(`${host} is not a public address, and allowPrivateNetworks is false`);
  }
}

/** All that is given out of IPv6 to the internet at large: RFC 4291, section 2.4, and IANA's list. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/** True for an address of the internet at large; false for private, loopback, link-local, reserved and the like. */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address inside an IPv6 one is looked at itself.
  const address = ipaddr.process(text);
  return address.range() === 'unicast' && (address.kind() === 'ipv4' || address.match(globalUnicast));
}

/**
 * Looks a name up and leaves out what isn't public. It belongs into the connection itself: what is looked at is what is
 * connected to, so that a name which has another address a moment later is of no use.
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
export function publicConnector(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    const host = options.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0 && !isPublic(host)) callback(new PrivateAddress(host), null);
    else connect(options, callback);
  };
}
