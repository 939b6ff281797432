import type { TlsFiles } from '../../common/net/tls.ts';
import type { OptionTree } from '../../common/options/declare.ts';
import { tlsOptions } from '../../common/options/tls-options.ts';

export interface EmailSinkOptions {
  readonly url: string;
  readonly starttls: boolean;
  readonly auth: { readonly user: string; readonly password: string } | undefined;
  readonly from: string;
  /** Mailboxes, and fields of the body that hold addresses. */
  readonly to: readonly string[];
  readonly toByAccount: Readonly<Record<string, readonly string[]>>;
  readonly noAddress: 'dead' | 'skip';
  readonly template: TextTemplates | undefined;
  readonly maxPerHour: number;
  readonly connections: number;
  readonly connectTimeout: number;
  readonly tls: TlsFiles;
}

/** Liquid templates; what is left out, the sink writes by itself. */
export interface TextTemplates {
  readonly subject: string | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
}

/** The entry of `toByAccount` for the accounts that have none of their own. */
export const otherAccounts = 'default';

const ownText = (what: string, otherwise: string) => ({
  doc: `Liquid template of the ${what}; its variables are the keys of the envelope, and \`summary\`. ${otherwise}`,
  format: 'text',
  default: undefined,
});

export const emailOptions: OptionTree = {
  url: {
    doc: 'Mail server: smtp://host:587, or smtps://host:465 for TLS from the first byte. Without a port, these are the usual ones.',
    format: 'smtp url',
    default: null,
  },
  starttls: {
    doc: 'Whether a connection of smtp:// is encrypted by STARTTLS. false: it isn’t, as on this machine.',
    format: Boolean,
    default: true,
  },
  auth: {
    doc: 'Login at the mail server, if it wants one.',
    optional: {
      user: { doc: 'User.', format: 'text', default: null },
      password: { doc: 'Password.', format: 'text', default: null, sensitive: true },
    },
  },
  from: {
    doc: 'Sender: user@host, or Name <user@host>. Its host is that of the Message-ID and the List-Id too.',
    format: 'mailbox',
    default: null,
  },
  to: {
    doc: 'Recipients of every e-mail: addresses, and fields of the body with an address or a list of them, such as {data.email}.',
    format: 'recipients',
    default: [],
  },
  toByAccount: {
    doc: 'Further recipients, by account id; the entry `default` is for all other accounts.',
    each: { doc: 'Addresses.', format: 'mailboxes', default: null },
  },
  noAddress: {
    doc: 'What becomes of a notification that no address results for, or whose field holds none that is valid: a dead letter, or nothing.',
    format: ['dead', 'skip'],
    default: 'dead',
  },
  template: {
    doc: 'Texts of your own.',
    optional: {
      subject: ownText('subject', 'By default, a sentence about what happened.'),
      text: ownText('text', 'By default, the sentence and what a person wants to know.'),
      html: ownText('HTML', 'By default, the same in HTML; none where `text` is set.'),
    },
  },
  maxPerHour: {
    doc: 'Maximum number of e-mails in any hour; further ones wait.',
    format: 'positive number',
    default: 100,
  },
  connections: {
    doc: 'Maximum number of simultaneous connections to the mail server.',
    format: 'positive number',
    default: 2,
  },
  connectTimeout: {
    doc: 'Time limit for opening a connection; if the host has several addresses, each has a third of it.',
    format: 'positive duration',
    default: 10_000,
  },
  tls: tlsOptions('mail server'),
};
