import type { Option, OptionIssue, OptionTree } from '../../common/options/declare.ts';
import { unescapedAt, unescapedAtMessage } from '../../common/options/value-checks.ts';
import { unencryptedUrl } from '../unencrypted.ts';

/** Milliseconds of one request. */
export interface RequestTimeout {
  readonly connect: number;
  readonly total: number;
}

export const timeoutOptions: OptionTree = {
  connect: {
    doc: 'Time limit for opening a connection; if the host has several addresses, each has a third of it.',
    format: 'positive duration',
    default: 10_000,
  },
  total: { doc: 'Time limit for a request.', format: 'positive duration', default: 30_000 },
};

export const proxyOption: Option = {
  doc: 'http:// or https:// URL; environment: use HTTP_PROXY, HTTPS_PROXY and NO_PROXY (names, globs, networks); none: no proxy.',
  format: 'proxy',
  default: 'environment',
  sensitive: true,
};

/** Node's timers go no further than some weeks; an hour is more than any request should take. */
const longest = 3_600_000;

export function timeoutRule({ timeout }: { readonly timeout: RequestTimeout }): OptionIssue[] {
  return (['connect', 'total'] as const)
    .filter((name) => timeout[name] > longest)
    .map((name) => ({ path: ['timeout', name], message: 'must be an hour at most' }));
}

export function proxyRule({ proxy }: { readonly proxy: string }): OptionIssue[] {
  if (proxy === 'environment' || proxy === 'none') return [];
  if (unescapedAt.test(proxy)) return [{ path: ['proxy'], message: unescapedAtMessage }];
  if (/^https?:\/\//i.test(proxy) && URL.canParse(proxy)) return [];
  return [{ path: ['proxy'], message: 'must be environment, none, or a URL such as http://host:3128' }];
}

/** What of these is legal and surely not meant. @param patience milliseconds that the route gives an attempt */
export function httpWarnings(
  { timeout, proxy }: { readonly timeout: RequestTimeout; readonly proxy: string },
  patience: number,
): OptionIssue[] {
  const found: OptionIssue[] = [];
  if (timeout.total >= patience) {
    found.push({
      path: ['timeout', 'total'],
      message: "isn't shorter than the route's timeout, which would always come first",
    });
  }
  if (timeout.connect > timeout.total) {
    found.push({
      path: ['timeout', 'connect'],
      message: 'is longer than timeout.total, which would always come first',
    });
  }
  if (URL.canParse(proxy) && new URL(proxy).password !== '')
    found.push(...unencryptedUrl(['proxy'], proxy, ['its password']));
  return found;
}
