import { join } from 'node:path';
import { codeOf } from '../../common/errors.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { readNamedText } from '../../common/fs/named-file.ts';
import { isMapping, leadingTilde, leadingTildeMessage } from '../../common/options/value-checks.ts';
import type { Issue, OptionPath } from '../diagnostics.ts';

/** The sources of `${…}` in values. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A value in which something stood for something else. */
export interface Substitution {
  readonly path: OptionPath;
  /** The references in it, `${env:NAME}`; what stands around them, and defaults, may be parts of a secret. */
  readonly written: string;
  /** True if the value is secret because of its source: a file, or a credential. */
  readonly secret: boolean;
}

interface Result {
  readonly value: unknown;
  readonly substitutions: readonly Substitution[];
  readonly errors: readonly Issue[];
}

/**
 * Replaces `${env:NAME}`, `${file:/path}` and `${credential:name}` in every text of a value, if necessary by the
 * default of `${env:NAME:-default}`. `$${` stands for `${` itself.
 * @param base the value's path in the configuration
 */
export function substitute(value: unknown, base: OptionPath, environment: Environment): Result {
  const substitutions: Substitution[] = [];
  const errors: Issue[] = [];
  const walk = (inner: unknown, path: OptionPath): unknown => {
    if (typeof inner === 'string') return inText(inner, path);
    if (Array.isArray(inner)) return inner.map((item, index) => walk(item, [...path, index]));
    if (!isMapping(inner)) return inner;
    // fromEntries makes every key one of the mapping's own.
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  const inText = (text: string, path: OptionPath): string | undefined => {
    if (!text.includes('${')) return text;
    const parts = partsOf(text);
    const wrong = parts.flatMap((part) => (typeof part === 'string' ? [] : (problemIn(part) ?? [])));
    const found =
      wrong.length > 0 ? [] : parts.map((part) => (typeof part === 'string' ? part : find(part, environment)));
    const refusals = [...wrong, ...found.flatMap((each) => (typeof each === 'string' ? [] : [each.missing]))];
    errors.push(...refusals.map((message) => ({ path, message })));
    const references = parts.filter((part) => typeof part !== 'string');
    if (references.length > 0) {
      substitutions.push({
        path,
        written: references.map(formatReference).join(' '),
        secret: references.some(({ scheme }) => scheme !== 'env'),
      });
    }
    return refusals.length > 0 ? undefined : found.join('');
  };
  return { value: walk(value, base), substitutions, errors };
}

interface Reference {
  readonly scheme: string;
  readonly name: string;
  readonly fallback: string | undefined;
  readonly written: string;
}

/** Texts and references, in their order. */
function partsOf(text: string): (string | Reference)[] {
  const parts: (string | Reference)[] = [];
  let end = 0;
  for (const { 0: written, index } of text.matchAll(/\$\$\{|\$\{[^}]*\}?/g)) {
    parts.push(text.slice(end, index));
    parts.push(written === '$${' ? '${' : referenceOf(written));
    end = index + written.length;
  }
  return [...parts, text.slice(end)];
}

function referenceOf(written: string): Reference {
  const [, scheme = '', name = '', fallback] = /^\$\{([^:}]*):?(.*?)(?::-(.*))?\}$/s.exec(written) ?? [];
  return { scheme, name, fallback, written };
}

function formatReference({ scheme, name, fallback }: Reference): string {
  return `\${${scheme}:${name}${fallback === undefined ? '' : ':-…'}}`;
}

const allowed = `there are \${env:NAME}, \${file:/path} and \${credential:name}; write $\${ for \${ itself`;

/** A reference that means nothing, whatever stands around. */
function problemIn({ scheme, name, written }: Reference): string | undefined {
  if (!written.endsWith('}')) return `has a \${ without its }; write $\${ for \${ itself`;
  if (!['env', 'file', 'credential'].includes(scheme)) {
    const isVariable = name === '' && /^[A-Z][A-Z0-9_]*$/.test(scheme);
    return `has a \${…} that means nothing; ${isVariable ? `write \${env:${scheme}}` : allowed}`;
  }
  if (scheme === 'file' && leadingTilde.test(name)) return `has a \${file:…} whose path ${leadingTildeMessage}`;
  const isName = scheme === 'env' ? /^[A-Za-z_][A-Za-z0-9_]*$/ : scheme === 'credential' ? /^[^/]+$/ : /./;
  if (isName.test(name) && name !== '..' && name !== '.') return undefined;
  return `has a \${${scheme}:…} with a name that can't be one`;
}

/** The value of a reference, or the reason why it has none. */
function find({ scheme, name, fallback }: Reference, { env }: Environment): string | { readonly missing: string } {
  if (scheme === 'env') {
    const value = env[name];
    // As in a shell, the default stands for an empty variable too.
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    return fallback ?? { missing: `needs the environment variable ${name}, which is not set` };
  }
  const folder = env.CREDENTIALS_DIRECTORY;
  if (scheme === 'credential' && !folder) {
    const missing = `needs the credential ${name}, and $CREDENTIALS_DIRECTORY is not set: systemd sets it where the unit has LoadCredential=`;
    return fallback ?? { missing };
  }
  const file = scheme === 'file' ? name : join(folder ?? '', name);
  try {
    return readSecret(file);
  } catch (error) {
    // The default replaces a missing file, not one that can't be read.
    const isThere = codeOf(error) !== 'ENOENT';
    if (fallback !== undefined && !isThere) return fallback;
    return { missing: `needs the file ${file}, which can't be read: ${fileReasonOf(error)}` };
  }
}

/** Bytes; a secret is never larger. */
const largest = 64 * 1024;

function readSecret(file: string): string {
  const secret = readNamedText(file, { largest }).text.replace(/\r?\n$/, '');
  // As after a disk was full, when it was written. Without a password, a server would only say that it isn't right.
  if (secret === '') throw new Error('it is empty');
  return secret;
}
