import { accessSync, constants } from 'node:fs';
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLParseError,
} from 'yaml';
import { codeOf, reasonOf } from '../../common/errors.ts';
import { fileReasonOf, hasSudo, ownershipOf } from '../../common/fs/fs-errors.ts';
import { readNamedText } from '../../common/fs/named-file.ts';
import { ConfigError, type Diagnostic, diagnosticText, type OptionPath, type SourceLocation } from '../diagnostics.ts';

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

/** A file of the configuration, YAML or JSON: its value, and where in the file each part of it stands. */
export interface Source {
  readonly file: string;
  /** Undefined where it could not be read; then there are errors. */
  readonly value: unknown;
  readonly errors: readonly Diagnostic[];
  /** True where others than its owner and group may read the file. */
  readonly isPublic: boolean;
  /** Where the key of a value stands, or of the innermost part of its path that is there. */
  locationOf(path: OptionPath): SourceLocation;
  /** Where the value itself begins; undefined where the file says nothing of it. */
  valueLocationOf(path: OptionPath): SourceLocation | undefined;
}

/** Bytes; a thousand routes with all that they may have are less than one MiB. */
const largest = 8 * 1024 * 1024;

/** Reads a file. What is wrong with it is among its errors; nothing of it that may be a secret is in them. */
export function readSource(file: string): Source {
  try {
    const { text, mode } = readNamedText(file, { largest, pipe: true });
    return parse(file, text, (mode & 0o004) !== 0);
  } catch (cause) {
    const mistake = { source: file, option: '', message: `can't be read: ${fileReasonOf(cause)}` };
    return { file, value: undefined, errors: [mistake], isPublic: false, ...noLocations(file) };
  }
}

function noLocations(file: string) {
  return { locationOf: () => ({ source: file }), valueLocationOf: () => undefined };
}

function parse(file: string, text: string, isPublic: boolean): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): SourceLocation => {
    const { line, col } = lines.linePos(offset);
    return { source: file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const errorMessages = document.errors.map((error) => ({
    ...at(error.pos[0]),
    option: '',
    message: messageOf(error),
  }));
  // Each bracket that a missing quote leaves open has the same error, at the same place.
  const errors: Diagnostic[] = [...new Map(errorMessages.map((entry) => [diagnosticText(entry), entry])).values()];
  const value = errors.length > 0 ? undefined : plainOf(document, file, errors, at);
  return {
    file,
    value,
    errors,
    isPublic,
    locationOf: (path) => at(keyOffset(document, path) ?? 0),
    valueLocationOf(path) {
      const offset = offsetOf(nodeAt(document, path));
      return offset === undefined ? undefined : at(offset);
    },
  };
}

const unknownAlias = 'a value begins with *, which YAML takes for the name of an anchor; put it in quotes';

/** Some messages of the parser quote the text, and that may be a password. */
function messageOf({ code, message }: YAMLParseError): string {
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
  // Where one is there twice, the first.
  pairs.set(map, new Map(map.items.toReversed().map((pair) => [isScalar(pair.key) ? pair.key.value : pair.key, pair])));
  return pairAt(map, key);
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  return (node.range as [number, number, number] | undefined)?.[0]; // as yaml says of every node that it parsed
}
