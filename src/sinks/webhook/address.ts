import { unreplacedVariable } from '../../common/options/value-checks.ts';
import type { Delivery, ShapedEnvelope } from '../../notification/envelope.ts';
import { Undeliverable } from '../content.ts';
import { isPlaceholder, type PlaceholderName, placeholderNames, unknownPlaceholder } from '../placeholders.ts';

export interface Address {
  /** `https://host:port`: no notification can change it. */
  readonly origin: string;
  /** Path and query as the configuration has them, placeholders in braces. */
  readonly path: string;
  /** Keys of the envelope that the placeholders name. */
  readonly placeholders: readonly PlaceholderName[];
  /**
   * Path and query for a notification.
   * @throws Undeliverable when it has no value for a placeholder, or one that would lead to another folder
   */
  pathFor(delivery: Delivery): string;
}

/** @throws Error that says what is wrong with the URL, and never shows it */
export function createAddress(text: string): Address {
  const { origin, pathname, search } = parse(text);
  const path = `${pathname}${search}`.replace(/%7B([a-z_]+)%7D/gi, '{$1}');
  const [first = '', ...rest] = path.split(placeholder);
  const pieces = rest.flatMap((name, index) =>
    index % 2 === 0 ? [{ name: known(name), after: rest[index + 1] }] : [],
  );
  return {
    origin,
    path,
    placeholders: pieces.map(({ name }) => name),
    pathFor(delivery) {
      // The envelope is made when it is asked for, which most formats never do.
      if (pieces.length === 0) return path;
      const { envelope } = delivery;
      const filled = pieces.reduce((before, { name, after }) => `${before}${encoded(envelope, name)}${after}`, first);
      if (!dotSegment.test(filled)) return filled;
      throw new Undeliverable('the URL would lead to another folder: a value for it is "." or ".."');
    },
  };
}

const placeholder = /\{([A-Za-z_]+)\}/;
const dotSegment = /^[^?]*\/\.{1,2}(?:[/?]|$)/;

function parse(text: string): URL {
  refuseOtherForms(text);
  if (!URL.canParse(text)) throw new Error(`must be a URL such as https://host/path${missingScheme(text)}`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('must begin with https:// or http://');
  if (/[{}]/.test(url.host)) throw new Error('must have its placeholders behind the host');
  if (url.username !== '' || url.password !== '') {
    throw new Error('must be without user and password; they belong under auth.basic');
  }
  return url;
}

/** Placeholders and variables as they are written elsewhere: nothing would replace them, and the receiver get them. */
function refuseOtherForms(text: string): void {
  const [written, name = ''] = /\{\{\s*([\w.]+)\s*\}\}|\$\(\s*(\w+)\s*\)/.exec(text) ?? [];
  const key = placeholderNames.find((candidate) => name.endsWith(candidate));
  if (written !== undefined && key !== undefined) throw new Error(`has ${written}: write {${key}}, in single braces`);
  const variable = unreplacedVariable(text);
  if (variable !== undefined) throw new Error(variable);
}

function missingScheme(text: string): string {
  return /^[\w-]+(\.[\w-]+)+(:\d+)?([/?]|$)/.test(text) ? '; https:// is missing in front' : '';
}

function known(name: string): PlaceholderName {
  if (isPlaceholder(name)) return name;
  throw new Error(unknownPlaceholder(name));
}

function encoded(envelope: ShapedEnvelope, name: PlaceholderName): string {
  const value = envelope[name];
  if (value !== undefined && value !== null && value !== '') return encodeURIComponent(value.toWellFormed());
  throw new Undeliverable(`the URL needs ${name}, which this notification doesn't have`);
}
