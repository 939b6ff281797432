import type { Delivery } from '../../notification/envelope.ts';

/** In the order of their codes: RFC 5424, section 6.2.1. */
export const facilities = [
  ...[
    'kern',
    'user',
    'mail',
    'daemon',
    'auth',
    'syslog',
    'lpr',
    'news',
    'uucp',
    'cron',
    'authpriv',
    'ftp',
    'ntp',
    'audit',
    'alert',
    'clock',
  ],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
] as const;

export const severities = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;

/** What all messages of a sink have in common. */
export interface MessageHead {
  readonly facility: (typeof facilities)[number];
  readonly severity: (typeof severities)[number];
  readonly hostname: string;
  readonly appName: string;
  readonly structuredDataId: string;
}

/** Keys of the envelope that a receiver can filter by without reading the message. */
const parameters = ['id', 'event', 'category', 'account_id', 'zone', 'node', 'valid'] as const;

/**
 * A message of RFC 5424: the envelope's keys as structured data, and the whole of it as JSON. The message id is the event.
 * Like the envelope, it has only what the route leaves of it.
 */
export function messageOf({ envelope, json }: Delivery, head: MessageHead): Buffer {
  const priority = facilities.indexOf(head.facility) * 8 + severities.indexOf(head.severity);
  const data = parameters
    .filter((name) => envelope[name] !== undefined && envelope[name] !== null)
    .map((name) => ` ${name}="${escaped(String(envelope[name]))}"`);
  return Buffer.from(
    `<${priority}>1 ${envelope.occurred_at ?? '-'} ${head.hostname} ${head.appName} ${process.pid} ${messageId(envelope.event)} ` +
      `[${head.structuredDataId}${data.join('')}] ${json}`,
  );
}

/** RFC 6587, section 3.4.1: a text may have any byte in it, and no end is looked for. */
export function octetCounted(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** 32 printable characters of ASCII at most. */
function messageId(event: string | null | undefined): string {
  return (event ?? '').replace(/[^\x21-\x7e]/g, '').slice(0, 32) || '-';
}

function escaped(value: string): string {
  return value.replace(/["\\\]]/g, '\\$&');
}
