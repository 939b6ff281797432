import { createHash } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Mailbox } from '../../common/text/mailbox.ts';
import type { Letter } from './letter.ts';

export interface Head {
  readonly messageId: string;
  readonly from: Mailbox;
  readonly to: readonly Mailbox[];
  readonly route: string;
  /** A test by hand. */
  readonly isProbe?: boolean;
}

/**
 * The e-mail as it is sent. Its date is that of the sending, as RFC 5322 has it (3.6.1): when the notification happened
 * stands in the text.
 */
export function compose({ messageId, from, to, route, isProbe = false }: Head, letter: Letter): Promise<Buffer> {
  const { subject, text, html, isUrgent } = letter;
  const composer = new MailComposer({
    // As objects, so that nothing in them is taken for another address.
    from: { ...from },
    to: to.map((mailbox) => ({ ...mailbox })),
    subject,
    text,
    ...(html !== undefined && { html }),
    messageId,
    date: new Date(),
    headers: {
      // Nothing that answers mail by itself answers these: RFC 3834, and what Exchange has in its place.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'List-Id': `<${labelOf(route)}.kazoo-relay.${hostOf(from)}>`,
      ...(isUrgent && { Importance: 'high', 'X-Priority': '1' }),
      ...(isProbe && { 'X-Kazoo-Relay-Probe': 'true' }),
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

/**
 * The same for each repetition, so that a mail system that looks at it keeps one of them; and another one for each route:
 * what two of them say isn't the same.
 * @param ids of the notifications that it tells of
 */
export function messageIdOf(ids: readonly string[], route: string, from: Mailbox): string {
  const [only = ''] = ids;
  const about = ids.length === 1 ? atom(only) : `digest.${hash(ids.toSorted().join(' '))}`;
  return `<${about}.${atom(route)}@${hostOf(from)}>`;
}

function hostOf({ address }: Mailbox): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** A part of the left side of a Message-ID. */
function atom(text: string): string {
  return /^[\w-]{1,64}$/.test(text) ? text : hash(text);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** A part of the name of a list, which has the form of a host's: RFC 2919. */
function labelOf(route: string): string {
  return /^[a-z0-9-]{1,63}$/i.test(route) ? route.toLowerCase() : hash(route);
}
