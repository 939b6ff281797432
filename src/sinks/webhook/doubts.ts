import type { DoubtedRoute, OptionMistake } from '../sink.ts';
import { isMisread } from './cloudevents.ts';
import type { WebhookOptions } from './options.ts';

/** What is legal and surely not meant. */
export function doubtsAbout(
  options: WebhookOptions,
  { timeout: patience, zones }: DoubtedRoute,
): readonly OptionMistake[] {
  const { timeout, tls } = options;
  const doubts: OptionMistake[] = [];
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
  if (saysWhoWeAre(options) && !isEncrypted(options.url)) {
    doubts.push({ path: ['url'], message: 'is not encrypted: whoever is on the way can read auth and headers' });
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

function saysWhoWeAre({ auth, headers }: WebhookOptions): boolean {
  return (
    Object.values(auth).some((way) => way !== undefined) ||
    Object.keys(headers).some((name) => /auth|key|token/i.test(name))
  );
}

/** What never leaves the machine needs no encryption. */
function isEncrypted(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
