import { domainToASCII } from 'node:url';

/** One address, and the name of whoever reads there; empty where there is none. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/**
 * Reads `user@host` or `Name <user@host>`; undefined for anything else, such as two addresses. No part of it can end a
 * header or a command of SMTP: neither name nor address has a control character, a bracket or a quote.
 */
export function readMailbox(text: string): Mailbox | undefined {
  const [, quoted, plain, inBrackets] = /^(?:(?:"([^"<>\\]*)"|([^"<>\\@,;:]*?))\s*<([^<>]*)>)$/.exec(text) ?? [];
  const name = (quoted ?? plain ?? '').trim();
  const address = addressOf(inBrackets ?? text);
  return address === undefined || /\p{C}/u.test(name.toWellFormed()) ? undefined : { name, address };
}

/**
 * One address by RFC 5321, with its host in ASCII; undefined for anything else. What no mail system in use needs is
 * refused: a quoted name, braces, an address of IP in place of a host, a comment.
 */
export function addressOf(text: string): string | undefined {
  const at = text.lastIndexOf('@');
  const [user, host] = [text.slice(0, at), hostOf(text.slice(at + 1))];
  if (at < 1 || user.length > 64 || !userName.test(user) || host === undefined) return undefined;
  return user.length + host.length < 254 ? `${user}@${host}` : undefined;
}

function hostOf(text: string): string | undefined {
  if (!/^[\p{L}\p{M}\p{N}.-]{1,253}$/u.test(text)) return undefined;
  const ascii = domainToASCII(text);
  return hostName.test(ascii) && ascii.length <= 253 ? ascii : undefined;
}

const word = "[A-Za-z0-9!#$%&'*+/=?^_~-]+";
const userName = new RegExp(`^${word}(\\.${word})*$`);
const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
/** The last label has a letter: otherwise it is an address of IP. */
const hostName = new RegExp(`^(${label}\\.)*(?!\\d+$)${label}$`);
