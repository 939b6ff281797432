import { type Json, member } from '../../common/json.ts';
import { addressOf, type Mailbox, readMailbox } from '../../common/text/mailbox.ts';
import type { ShapedEnvelope } from '../../notification/envelope.ts';
import { Undeliverable } from '../content.ts';
import { type EmailSinkOptions, otherAccounts } from './options.ts';

/** A server must take as many (RFC 5321, section 4.5.3.1.8), and more in one field were put there by somebody hostile. */
const mostRecipients = 100;

type Options = Pick<EmailSinkOptions, 'to' | 'toByAccount' | 'noAddress'>;

/**
 * Who gets a notification: each address once; nobody, where none results and that is fine by the operator.
 * @returns a function that throws Undeliverable, with the cure, where no address results and that is not fine
 */
export function createRecipients({
  to,
  toByAccount,
  noAddress,
}: Options): (envelope: ShapedEnvelope) => readonly Mailbox[] {
  const fixed = fixedMailboxes({ to });
  const fields = to.map(fieldIn).filter((path) => path !== undefined);
  const isStrict = noAddress === 'dead';

  return (envelope) => {
    const inFields = fields.flatMap((path) => {
      const addresses = addressesIn(path.slice(1).reduce<Json | undefined>(member, envelope.data));
      if (addresses !== undefined || !isStrict) return addresses ?? [];
      throw new Undeliverable(
        `${path.join('.')} holds something else than an e-mail address or a list of them: mend what fills it, or set noAddress: skip`,
      );
    });
    const ofAccount = (accountEntry(toByAccount, envelope.account_id) ?? []).flatMap((text) => readMailbox(text) ?? []);
    const all = new Map([...fixed, ...ofAccount, ...inFields].map((mailbox) => [mailbox.address, mailbox]));
    if (all.size === 0 && isStrict) throw new Undeliverable(nobody(fields, toByAccount, envelope));
    if (all.size > mostRecipients)
      throw new Undeliverable(`it has ${all.size} addresses, and an e-mail goes to ${mostRecipients} at most`);
    return [...all.values()];
  };
}

/** Those of `to` that get every e-mail. */
export function fixedMailboxes({ to }: Pick<Options, 'to'>): Mailbox[] {
  return to.flatMap((text) => readMailbox(text) ?? []);
}

/** The path of a field in braces, by its steps: `{data.email}`. Undefined for anything else. */
export function fieldIn(text: string): string[] | undefined {
  return /^\{(data(?:\.[\w-]+)+)\}$/.exec(text)?.[1]?.split('.');
}

/** Who is refused with a recipient, where that may not be about one notification. */
export function served({ to, toByAccount }: Options): 'all' | 'account' | undefined {
  if (to.some((text) => fieldIn(text) !== undefined)) return undefined;
  return Object.keys(toByAccount).length > 0 ? 'account' : 'all';
}

function accountEntry(toByAccount: Options['toByAccount'], account: string | null | undefined) {
  const own = account && Object.hasOwn(toByAccount, account) ? toByAccount[account] : undefined;
  return own ?? (Object.hasOwn(toByAccount, otherAccounts) ? toByAccount[otherAccounts] : undefined);
}

/**
 * The addresses that a value is: one text, or a list of texts, each of which is one address and nothing else. A text with
 * two, with a name, or with a line end is none: whoever filled the field could have others get the e-mail.
 * @returns undefined where it is something else
 */
function addressesIn(value: Json | undefined): Mailbox[] | undefined {
  if (value === undefined || value === null || value === '') return [];
  const addresses = (Array.isArray(value) ? value : [value]).map((one) =>
    typeof one === 'string' ? publicAddress(one) : undefined,
  );
  return addresses.every((address) => address !== undefined)
    ? addresses.map((address) => ({ name: '', address }))
    : undefined;
}

/** A host without a dot would be a mailbox of the mail server's own, such as root's. */
function publicAddress(text: string): string | undefined {
  const address = addressOf(text);
  return address?.slice(address.lastIndexOf('@')).includes('.') ? address : undefined;
}

function nobody(fields: readonly string[][], toByAccount: Options['toByAccount'], envelope: ShapedEnvelope): string {
  const reasons = [
    ...fields.map((path) => `${path.join('.')} is empty or missing`),
    ...(Object.keys(toByAccount).length > 0
      ? [`toByAccount has neither the account ${envelope.account_id ?? '(none)'} nor ${otherAccounts}`]
      : []),
  ];
  return `no address results for it (${reasons.join('; ')}): add one to "to" or toByAccount, or set noAddress: skip`;
}
