import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
  YAMLParseError,
} from 'yaml';
import { codeOf, reasonOf } from '../../common/errors.ts';
import { fileReasonOf, hasSudo, ownershipOf } from '../../common/fs/fs-errors.ts';
import { readNamedText } from '../../common/fs/named-file.ts';
import { ConfigError, type Diagnostic, type OptionPath, type SourceLocation } from '../diagnostics.ts';
import { maskExcerpt } from './excerpt.ts';
import { findYamlSlip } from './yaml-slips.ts';

/** Where a configuration is looked for, in this order, when none is named. */
const defaultFiles = ['/etc/kazoo-relay/kazoo-relay.yaml', 'config/kazoo-relay.yaml'];

/**
 * The configuration file to use: the one that is named, else that of KAZOO_RELAY_CONFIG, else the first that exists of
 * /etc/kazoo-relay/kazoo-relay.yaml and config/kazoo-relay.yaml.
 * @throws ConfigError when there is none, or this user may not read it
 */
export function findConfigFile(named: string | undefined, env = process.env): string {
  // Docker and systemd may set a variable to nothing, and mean that it has no value.
  const file = named ?? (env.KAZOO_RELAY_CONFIG || defaultFiles.find(exists));
  if (file !== undefined) return file;
  throw new ConfigError(
    `there is no configuration: neither ${defaultFiles.join(' nor ')} exists. Name one with --config or in KAZOO_RELAY_CONFIG`,
  );
}

/** What may not be read may be there, and is not passed over for the next. */
function exists(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch (cause) {
    if (codeOf(cause) !== 'EACCES') return false;
    const way = hasSudo ? 'use sudo' : 'make it readable for this user';
    throw new ConfigError(
      `${file} may not be read by this user (${ownershipOf(file)}): ${way}, or name another with --config`,
      { cause },
    );
  }
}

/** A file, and what distinguishes its states. */
export interface FileDigest {
  /** The whole path. */
  readonly file: string;
  readonly digest: string;
}

/** The file as it is now. @throws Error where it can't be read */
export function digestOf(file: string): FileDigest {
  return digestOfText(file, readNamedText(file, { largest }).text);
}

function digestOfText(file: string, text: string): FileDigest {
  return { file: resolve(file), digest: createHash('sha256').update(text).digest('hex') };
}

/** A file of the configuration, YAML or JSON: its value, and where in the file each part of it stands. */
export interface Source {
  readonly file: string;
  /** Undefined where it could not be read. */
  readonly digest: FileDigest | undefined;
  /** Undefined where it could not be read; then there are errors. */
  readonly value: unknown;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
  /** True where others than its owner and group may read the file. */
  readonly isPublic: boolean;
  /** Where the key of a value stands, or of the innermost part of its path that is there. */
  locationOf(path: OptionPath): SourceLocation;
  /** The place of the value itself; undefined if the file doesn't have it. */
  valueLocationOf(path: OptionPath): SourceLocation | undefined;
}

/** Bytes; a thousand routes with all that they may have are less than one MiB. */
const largest = 8 * 1024 * 1024;

/** Reads a file. Errors in it are part of the result, without anything that may be a secret. */
export function readSource(file: string): Source {
  try {
    const { text, mode } = readNamedText(file, { largest, pipe: true });
    return parse(file, text, (mode & 0o004) !== 0);
  } catch (cause) {
    const mistake = { source: file, option: '', message: `can't be read: ${fileReasonOf(cause)}` };
    return {
      file,
      digest: undefined,
      value: undefined,
      errors: [mistake],
      warnings: [],
      isPublic: false,
      ...noLocations(file),
    };
  }
}

function noLocations(file: string) {
  return { locationOf: () => ({ source: file }), valueLocationOf: () => undefined };
}

function parse(file: string, text: string, isPublic: boolean): Source {
  const lines = new LineCounter();
  const document = read(text, lines);
  const at = (offset: number): SourceLocation => {
    const { line, col } = lines.linePos(offset);
    return { source: file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const located = (error: YAMLError): Diagnostic => ({ ...at(error.pos[0]), option: '', message: messageOf(error) });
  const errors = errorsOf(document, text).map((error) => slipAt(file, text, error) ?? located(error));
  const value = errors.length > 0 ? undefined : plainOf(document, file, errors, at);
  return {
    file,
    digest: digestOfText(file, text),
    value,
    errors,
    warnings: document.warnings.filter((warning) => !isWholeTag(warning, text)).map(located),
    isPublic,
    locationOf: (path) => at(keyOffset(document, path) ?? 0),
    valueLocationOf(path) {
      const offset = offsetOf(nodeAt(document, path));
      return offset === undefined ? undefined : at(offset);
    },
  };
}

/** With `<<`, which older YAML has for what several mappings have in common. */
function read(text: string, lineCounter?: LineCounter): Document {
  return parseDocument(text, {
    ...(lineCounter !== undefined && { lineCounter }),
    prettyErrors: false,
    // It compares each key with all before it: see `duplicateKeys`.
    uniqueKeys: false,
    merge: true,
    logLevel: 'error',
  });
}

/** What is wrong with a document, in its order. */
function errorsOf({ errors, warnings, contents }: Document, text: string): YAMLError[] {
  return first([...errors, ...warnings.filter((warning) => isWholeTag(warning, text)), ...duplicateKeys(contents)]);
}

/** Of each mapping, the keys that it has had before. */
function duplicateKeys(node: unknown): YAMLError[] {
  if (isSeq(node)) return node.items.flatMap(duplicateKeys);
  if (!isMap(node)) return [];
  const known = new Set<unknown>();
  return node.items.flatMap(({ key, value }) => {
    const name = isScalar(key) ? key.value : key;
    const at = offsetOf(key) ?? 0;
    const own = known.has(name) ? [new YAMLParseError([at, at + 1], 'DUPLICATE_KEY', 'the key is there twice')] : [];
    known.add(name);
    return [...own, ...duplicateKeys(value)];
  });
}

/** A value that begins with `!` and has no space is a tag of nothing: `where: !valid`. */
function isWholeTag({ code, pos: [offset] }: YAMLError, text: string): boolean {
  return code === 'TAG_RESOLVE_FAILED' && /^!\S*[^\S\n]*$/m.test(text.slice(offset).split('\n', 1)[0] ?? '');
}

/** Errors up to the first after which the parser may have lost its way; what it says later is about its own confusion. */
function first(errors: readonly YAMLError[]): YAMLError[] {
  const inOrder = errors.toSorted((one, other) => one.pos[0] - other.pos[0]);
  const lost = inOrder.findIndex(({ code }) => code !== 'DUPLICATE_KEY' && code !== 'BAD_DQ_ESCAPE');
  return lost === -1 ? inOrder : inOrder.slice(0, lost + 1);
}

/** The mistake that was made there, if it is recognised, and the corrected line. */
function slipAt(file: string, text: string, error: YAMLError): Diagnostic | undefined {
  const rowAt = (offset: number, of: string) => of.slice(0, offset).split('\n').length - 1;
  if (error.code === 'DUPLICATE_KEY') return undefined;
  const slip = findYamlSlip(text, rowAt(error.pos[0], text), (changed) => {
    const [next] = errorsOf(read(changed), changed);
    return next === undefined ? undefined : rowAt(next.pos[0], changed);
  });
  if (slip === undefined) return undefined;
  const { message, row, excerpt } = slip;
  return { source: file, line: row + 1, column: excerpt.column, option: '', message, excerpt: maskExcerpt(excerpt) };
}

const unknownAlias = 'a value begins with *, which YAML takes for the name of an anchor; put it in quotes';

/** Some messages of the parser quote the text, and that may be a password. */
function messageOf({ code, message }: YAMLError): string {
  switch (code) {
    case 'BAD_ALIAS':
      return unknownAlias;
    case 'BAD_SCALAR_START':
    case 'UNEXPECTED_TOKEN':
      return 'a value begins with, or goes on with, something that has a meaning in YAML; put it in quotes';
    case 'DUPLICATE_KEY':
      return 'this key is there twice in the same mapping';
    case 'BAD_DQ_ESCAPE':
      return 'an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes';
    case 'TAG_RESOLVE_FAILED':
      return 'a value begins with !, which YAML takes for a tag; put it in quotes';
    case 'MULTIPLE_DOCS':
      return 'another document begins here, after ---; a file holds one';
    default:
      return message.includes('call stack') ? 'it nests too deep' : message;
  }
}

function plainOf(
  document: Document,
  file: string,
  errors: Diagnostic[],
  at: (offset: number) => SourceLocation,
): unknown {
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = alias.resolve(document);
      if (target !== undefined && !ancestors.includes(target)) return;
      const message = target === undefined ? unknownAlias : 'this alias stands in the very value that it repeats';
      errors.push({ ...at(offsetOf(alias) ?? 0), option: '', message });
    },
  });
  if (errors.length > 0) return undefined;
  try {
    return document.toJS();
  } catch (cause) {
    // Aliases multiply beyond a bound.
    errors.push({ source: file, option: '', message: reasonOf(cause) });
    return undefined;
  }
}

function keyOffset(document: Document, path: OptionPath): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = nodeAt(document, path.slice(0, length - 1));
    const key = path[length - 1];
    const offset = offsetOf(isMap(parent) ? pairAt(parent, key)?.key : nodeIn(parent, key));
    if (offset !== undefined) return offset;
  }
  return undefined;
}

function nodeAt({ contents }: Document, path: OptionPath): unknown {
  return path.reduce<unknown>(nodeIn, contents);
}

function nodeIn(parent: unknown, key: string | number | undefined): unknown {
  if (isSeq(parent)) return parent.items[Number(key)];
  return isMap(parent) ? pairAt(parent, key)?.value : undefined;
}

/** The pairs of mappings by their keys: that of a thousand routes is looked into for each of them, more than once. */
const pairs = new WeakMap<YAMLMap, Map<unknown, Pair>>();

function pairAt(map: YAMLMap, key: string | number | undefined): Pair | undefined {
  const known = pairs.get(map);
  if (known !== undefined) return known.get(key);
  // Of duplicates, the first.
  pairs.set(map, new Map(map.items.toReversed().map((pair) => [isScalar(pair.key) ? pair.key.value : pair.key, pair])));
  return pairAt(map, key);
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  return (node.range as [number, number, number] | undefined)?.[0]; // as yaml says of every node that it parsed
}
