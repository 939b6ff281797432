import { isLoopback } from '../../common/net/addresses.ts';
import type { OptionIssue } from '../../common/options/declare.ts';
import { namesSecret } from '../../kazoo/secret-name.ts';
import type { DoubtedRoute } from '../declaration.ts';
import { isMisread } from './cloudevents.ts';
import type { WebhookOptions } from './options.ts';

/** What is legal and surely not meant. */
export function doubtsAbout(
  options: WebhookOptions,
  { timeout: patience, zones, reveal }: DoubtedRoute,
): readonly OptionIssue[] {
  const { timeout, tls, auth, proxy } = options;
  const doubts: OptionIssue[] = [];
  if (timeout.total >= patience) {
    doubts.push({
      path: ['timeout', 'total'],
      message: "isn't shorter than the route's timeout, which would always come first",
    });
  }
  if (timeout.connect > timeout.total) {
    doubts.push({
      path: ['timeout', 'connect'],
      message: 'is longer than timeout.total, which would always come first',
    });
  }
  if (!tls.verify) {
    doubts.push({ path: ['tls', 'verify'], message: 'lets anybody between here and the receiver read and answer' });
  }
  const secrets = [
    ...secretsOf(options),
    ...(reveal.length > 0 ? [`what the route reveals (${reveal.join(', ')})`] : []),
  ];
  if (secrets.length > 0 && isReadable(options.url)) {
    doubts.push({ path: ['url'], message: `${notEncrypted} ${secrets.join(', ')}` });
  }
  if (auth.oauth2 !== undefined && isReadable(auth.oauth2.tokenUrl)) {
    const message = `${notEncrypted} clientSecret and the tokens`;
    doubts.push({ path: ['auth', 'oauth2', 'tokenUrl'], message });
  }
  if (URL.canParse(proxy) && new URL(proxy).password !== '' && isReadable(proxy)) {
    doubts.push({ path: ['proxy'], message: `${notEncrypted} its password` });
  }
  const misread = options.format === 'cloudevents-binary' ? zones.filter(isMisread) : [];
  if (misread.length > 0) {
    const message =
      `encodes the zone ${misread.map((zone) => JSON.stringify(zone)).join(', ')} for a header, which the SDKs of Go, Java, ` +
      'JavaScript and Rust do not decode: they read another source than with cloudevents';
    doubts.push({ path: ['format'], message });
  }
  return doubts;
}

const notEncrypted = 'is not encrypted: whoever is on the way can read';

/** What a request carries of the operator's own secrets, by the names of the options. */
function secretsOf({ auth, headers, fields, url }: WebhookOptions): string[] {
  const named = {
    headers: Object.keys(headers),
    fields: Object.keys(fields),
    query: [...new URL(url).searchParams.keys()],
  };
  const ways = Object.entries(auth).flatMap(([name, way]) => (way === undefined ? [] : [`auth.${name}`]));
  const inRequest = Object.entries(named).flatMap(([option, names]) =>
    names.filter(namesSecret).map((name) => (option === 'query' ? `${name} in the query` : `${option}.${name}`)),
  );
  return [...ways, ...inRequest];
}

/** What never leaves the machine needs no encryption. */
function isReadable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname);
}
