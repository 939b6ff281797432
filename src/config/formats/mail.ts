import type { Format } from '../../common/options/declare.ts';
import { must } from '../../common/options/value-checks.ts';
import { readMailbox } from '../../common/text/mailbox.ts';
import { sixteenBits } from './amounts.ts';

const smtpUrl = /^smtps?:\/\/(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?\/?$/;
const field = /^\{data(\.[\w-]+)+\}$/;
/** Of a mailbox, an editor checks no more. */
const mailboxSchema = { type: 'string', pattern: '[^@]@[^@]+$' };
const recipientSchema = { anyOf: [mailboxSchema, { type: 'string', pattern: field.source }] };
const mailboxExample = 'user@example.com or Name <user@example.com>';

/** Mail servers and the addresses of e-mails. */
export const mail = {
  'smtp url': {
    kind: 'URL',
    schema: { type: 'string', pattern: smtpUrl.source.replace('\\d{1,5}', sixteenBits) },
    validate(value) {
      must(typeof value === 'string' && value.trim() !== '', 'must be text');
      must(
        !/^smtps?:\/\/[^/]*@/.test(value),
        'must be without user and password; they belong under auth.user and auth.password',
      );
      must(
        smtpUrl.test(value) && Number(/:(\d+)\/?$/.exec(value)?.[1] ?? 1) <= 65_535,
        `must be a URL such as smtp://host:587 or smtps://host:465${missingScheme(value)}`,
      );
    },
  },
  mailbox: {
    kind: 'address',
    schema: mailboxSchema,
    validate: (value) => must(isMailbox(value), `must be one address: ${mailboxExample}`),
  },
  mailboxes: {
    kind: 'list',
    schema: listOf(mailboxSchema),
    isList: true,
    validate: (value) =>
      must(
        Array.isArray(value) && value.length > 0 && value.every(isMailbox),
        `must be a list of addresses: ${mailboxExample}`,
      ),
    coerce: listOfOne,
  },
  recipients: {
    kind: 'list',
    schema: listOf(recipientSchema),
    isList: true,
    validate: (value) =>
      must(
        Array.isArray(value) && value.every((one) => isMailbox(one) || (typeof one === 'string' && field.test(one))),
        `must be a list of addresses (${mailboxExample}) and fields of the body such as {data.email}`,
      ),
    coerce: listOfOne,
  },
} satisfies Readonly<Record<string, Format>>;

function listOf(schema: object): object {
  return { anyOf: [schema, { type: 'array', items: schema }] };
}

function listOfOne(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' ? [value] : value;
}

function isMailbox(value: unknown): boolean {
  return typeof value === 'string' && readMailbox(value) !== undefined;
}

/** A host, perhaps with its port, without what must stand in front. */
function missingScheme(value: string): string {
  return /^[\w.-]+(:\d+)?$/.test(value) ? '; smtp:// is missing in front' : '';
}
