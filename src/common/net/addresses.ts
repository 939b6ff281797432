import { BlockList, isIP } from 'node:net';

/**
 * For Node's `net.connect` and `tls.connect`, which try the addresses of a name one after the other, and by themselves
 * give each but the last no more than 250 ms, however patient we are. A third for each: where two are dead, a third one
 * has its turn, and there is time for a handshake whose first packet was lost.
 * @param timeout milliseconds within which a connection must be open
 */
export function addressAttemptTimeout(timeout: number): { readonly autoSelectFamilyAttemptTimeout: number } {
  return { autoSelectFamilyAttemptTimeout: Math.ceil(timeout / 3) };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * True for a host that leads to this very machine, whatever a name service says: an address of loopback, also one of IPv4
 * inside IPv6, or `localhost`.
 * @param host as in a URL; an address of IPv6 with or without its brackets
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const family = isIP(bare);
  return family === 0 ? bare === 'localhost' : loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** The host and the port of `host:port`; an address of IPv6 stands in brackets there, and not in what this returns. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const end = address.lastIndexOf(':');
  return { host: address.slice(0, end).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(end + 1)) };
}
