import { isLoopback } from '../common/net/addresses.ts';
import type { OptionIssue } from '../common/options/declare.ts';

/**
 * Warns of what others can read on the way to a host. What never leaves the machine needs no encryption.
 * @param secrets as an operator knows them; there may be none
 */
export function unencrypted(path: OptionIssue['path'], host: string, secrets: readonly string[]): OptionIssue[] {
  if (secrets.length === 0 || isLoopback(host)) return [];
  return [{ path, message: `is not encrypted: whoever is on the way can read ${secrets.join(', ')}` }];
}

/** The same of a URL, which may be encrypted. */
export function unencryptedUrl(path: OptionIssue['path'], url: string, secrets: readonly string[]): OptionIssue[] {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' ? unencrypted(path, hostname, secrets) : [];
}

/** Secrets of notifications that a route gets in clear. */
export function revealedBy(reveal: readonly string[]): string[] {
  return reveal.length > 0 ? [`what the route reveals (${reveal.join(', ')})`] : [];
}
