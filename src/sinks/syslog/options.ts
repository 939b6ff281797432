import { hostAndPort } from '../../common/net/addresses.ts';
import type { TlsFiles } from '../../common/net/tls.ts';
import type { OptionTree } from '../../common/options/declare.ts';
import { certificateWithKey, tlsOnlyWith, tlsOptions } from '../../common/options/tls-options.ts';
import { when } from '../../common/options/value-checks.ts';
import type { SinkDeclaration } from '../sink.ts';
import { revealedBy, unencrypted } from '../unencrypted.ts';
import { facilities, severities } from './message.ts';

export interface SyslogSinkOptions {
  readonly url: string;
  readonly facility: (typeof facilities)[number];
  readonly severity: (typeof severities)[number];
  readonly appName: string;
  readonly hostname: string | undefined;
  readonly structuredDataId: string;
  readonly maxSize: number;
  readonly timeout: number;
  readonly batch: { readonly max: number; readonly linger: number };
  readonly tls: TlsFiles;
}

const options: OptionTree = {
  url: {
    doc: 'tls://host:6514, tcp://host:601, udp://host:514, or unix:///dev/log for the socket of this machine.',
    format: 'syslog url',
    default: null,
  },
  facility: { doc: 'Facility of the messages.', format: [...facilities], default: 'daemon' },
  severity: { doc: 'Severity of the messages.', format: [...severities], default: 'info' },
  appName: {
    doc: 'APP-NAME of the messages: 48 printable characters of ASCII at most.',
    format: 'syslog name',
    default: 'kazoo-relay',
  },
  hostname: {
    doc: 'HOSTNAME of the messages; by default that of this machine.',
    format: 'syslog name',
    default: undefined,
  },
  structuredDataId: {
    doc: 'SD-ID of the structured data: a name, @, and the enterprise number of your organisation. 32473 is that of examples.',
    format: 'syslog sd-id',
    default: 'kazoo@32473',
  },
  maxSize: {
    doc: 'Largest message. A larger one becomes a dead letter: rsyslog cuts what is larger than its maxMessageSize, 8 KiB.',
    format: 'positive size',
    default: 8 * 1024,
  },
  timeout: {
    doc: 'Time limit for opening a connection; if the host has several addresses, each has a third of it.',
    format: 'positive duration',
    default: 10_000,
  },
  batch: {
    max: { doc: 'Maximum number of messages sent at a time.', format: 'positive number', default: 500 },
    linger: { doc: 'Maximum time that a message waits for others.', format: 'duration', default: 20 },
  },
  tls: tlsOptions('server'),
};

export const syslogDeclaration: SinkDeclaration<SyslogSinkOptions> = {
  type: 'syslog',
  summary: 'a message of RFC 5424 for each notification, over TLS, TCP, UDP or a Unix socket',
  options,
  isLocal: ({ url }) => isUnix(url),
  limits: ({ batch }) => ({ batch, concurrency: 1 }),
  rules: [tlsOnlyWith('tls'), certificateWithKey],
  schemaRules: [when({ url: { pattern: '^(tcp|udp|unix):' } }, { properties: { tls: { maxProperties: 0 } } })],
  warnings({ url }, { reveal }) {
    const lossy = 'is of UDP, which loses messages without telling: use tls:// or tcp:// where none may be lost';
    const isOpen = /^(tcp|udp):/i.test(url);
    return [
      ...(isUdp(url) ? [{ path: ['url'], message: lossy }] : []),
      ...(isOpen ? unencrypted(['url'], placeOf(url).host, revealedBy(reveal)) : []),
    ];
  },
};

export function isUnix(url: string): boolean {
  return /^unix:/i.test(url);
}

export function isUdp(url: string): boolean {
  return /^udp:/i.test(url);
}

/** Of any but a Unix socket. */
export function placeOf(url: string): { readonly host: string; readonly port: number } {
  return hostAndPort(url.replace(/^\w+:\/\//, ''));
}
