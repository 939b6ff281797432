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

/** A message of RFC 5424, and the bytes that it has in UTF-8. */
export interface Message {
  readonly text: string;
  readonly size: number;
}

/**
 * Makes messages: the envelope's keys as structured data, and the whole of it as JSON. The message id is the event. Like the
 * envelope, a message has only what the route leaves of it.
 */
export function createMessages(head: MessageHead): (delivery: Delivery) => Message {
  const start = `<${facilities.indexOf(head.facility) * 8 + severities.indexOf(head.severity)}>1 `;
  const origin = ` ${head.hostname} ${head.appName} ${process.pid} `;
  const data = ` [${head.structuredDataId}`;
  return ({ envelope, json }) => {
    let text = start + (envelope.occurred_at ?? '-') + origin + messageId(envelope.event) + data;
    for (const name of parameters) {
      const value = envelope[name];
      if (value !== undefined && value !== null) text += ` ${name}="${escaped(String(value))}"`;
    }
    text += `] ${json}`;
    return { text, size: Buffer.byteLength(text) };
  };
}

/** RFC 6587, section 3.4.1: a text may have any byte in it, and no end is looked for. */
export function octetCounted(messages: readonly Message[]): string {
  return messages.map(({ text, size }) => `${size} ${text}`).join('');
}

/** 32 printable characters of ASCII at most. */
function messageId(event: string | null | undefined): string {
  if (event && plainId.test(event)) return event;
  return (event ?? '').replace(/[^\x21-\x7e]/g, '').slice(0, 32) || '-';
}

function escaped(value: string): string {
  return special.test(value) ? value.replace(/["\\\]]/g, '\\$&') : value;
}

const plainId = /^[\x21-\x7e]{1,32}$/;
const special = /["\\\]]/;
