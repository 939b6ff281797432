import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type OptionNode,
} from '../../common/options/declare.ts';
import type { Excerpt } from '../../common/text/slips.ts';
import { events } from '../../kazoo/catalogue.ts';
import { isSecretParameter } from '../../kazoo/secrets.ts';
import { isEnvelopeKey } from '../../routes/validate.ts';
import { sinkDeclarations } from '../../sinks/declarations.ts';
import { brokerOptions, kazooConfigOptions, rootOptions, routeOptions } from '../options.ts';

/**
 * An unreadable line of a configuration, masked for output, because nobody knows where a secret in it ends. Names of
 * options, events and choices remain, and the value of an option that holds no secret.
 */
export function maskExcerpt({ line, column, fixed }: Excerpt): Excerpt {
  const [, key] = /^\s*(?:- *)*([\w-]+):(?:\s|$)/.exec(line) ?? [];
  const masked = maskLine(line, key, column - 1);
  const shown = { line: masked.line, column: masked.at + 1 };
  const meant = fixed === undefined ? '' : maskLine(fixed, key).line;
  return meant.trim() === '' ? shown : { ...shown, fixed: meant };
}

/** @param shownKey the key at the beginning of the line, if there is one */
function maskLine(line: string, shownKey: string | undefined, at = 0): { line: string; at: number } {
  const bare = line.replace(/\s#.*$/, '').trimEnd();
  const [, before = '', key = '', value = ''] = /^(\s*(?:- *)*)([\w-]+)\s*[:=]?\s*(.*)$/.exec(bare) ?? [];
  if (isPlain(key, value)) return { line: bare, at: Math.min(at, bare.length) };
  let masked = '';
  let place: number | undefined;
  for (const match of bare.matchAll(/\$\{\w+:[^{}:]*\}|[\s,{}[\]]+|[^\s,{}[\]$]+|\$/g)) {
    const [token] = match;
    const isKey = match.index === before.length && key === shownKey && token === `${key}:`;
    const shown = isKey || /^[\s,{}[\]$]/.test(token) ? token : maskToken(token);
    if (place === undefined && at < match.index + token.length) {
      place = masked.length + Math.min(at - match.index, Math.max(0, shown.length - 1));
    }
    masked += shown;
  }
  return { line: masked, at: place ?? masked.length };
}

/** What is left in place of anything that may be a secret. */
const hidden = '…';

function maskToken(token: string): string {
  return token.replace(/[^:"'=|>&*!%@`/-]+/g, (part) => (words().isName(part) || amount.test(part) ? part : hidden));
}

const amount = /^\d+(ms|[smhd]|[KMG]i?B)$/;

/** The value of an option that is none, without another one beside it. */
function isPlain(key: string, value: string): boolean {
  const { isName, secrets } = words();
  if (key === 'where') return true;
  return isName(key) && !secrets.has(key) && !isSecretParameter(key) && !/:\/\/|@|\w\s*:|\{/.test(value);
}

interface Words {
  isName(word: string): boolean;
  /** Options whose value is a secret, or has one in it. */
  readonly secrets: ReadonlySet<string>;
}

let known: Words | undefined;

/** Collected with the first line that can't be read. */
function words(): Words {
  if (known !== undefined) return known;
  const names = new Set<string>(['brokers', 'routes', 'sink', 'type', 'true', 'false', 'null']);
  const secrets = new Set<string>();
  const collect = (node: OptionNode, name: string): void => {
    names.add(name);
    if (isOption(node)) {
      if (node.sensitive) secrets.add(name);
      if (Array.isArray(node.format)) for (const choice of node.format) names.add(String(choice));
    } else if (isOptionList(node)) collect(node.items, name);
    else if (isOptionMap(node)) {
      secrets.add(name);
      if (!isOption(node.each as OptionNode)) collect(node.each as OptionNode, name); // an option or a tree, and both are nodes
    } else
      for (const [key, inner] of Object.entries(isOptionalSection(node) ? node.optional : node)) collect(inner, key);
  };
  for (const tree of [rootOptions, brokerOptions, kazooConfigOptions, routeOptions]) collect(tree, '');
  for (const { type, options } of sinkDeclarations) {
    names.add(type);
    collect(options, '');
  }
  for (const { name } of events) names.add(name);
  known = { isName: (word) => names.has(word) || isEnvelopeKey(word), secrets };
  return known;
}
