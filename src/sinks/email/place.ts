import type { EmailSinkOptions } from './options.ts';

/** @returns host and port of the mail server, and whether TLS begins with the first byte */
export function placeOf({ url }: Pick<EmailSinkOptions, 'url'>) {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'smtps:';
  // A URL of these schemes keeps the brackets of an address of IPv6.
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || (isTls ? 465 : 587)), isTls };
}
