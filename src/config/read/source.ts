import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLParseError,
} from 'yaml';
import { reasonOf } from '../../common/errors.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { readNamedText } from '../../common/fs/named-file.ts';
import { type Finding, findingText, type Path, type Place } from '../diagnostics.ts';

/** A file of the configuration, YAML or JSON: its value, and where in the file each part of it stands. */
export interface Source {
  readonly file: string;
  /** Undefined where it could not be read; then there are mistakes. */
  readonly value: unknown;
  readonly mistakes: readonly Finding[];
  /** True where others than its owner and group may read the file. */
  readonly isPublic: boolean;
  /** Where the key of a value stands, or of the innermost part of its path that is there. */
  placeOf(path: Path): Place;
  /** Where the value itself begins; undefined where the file says nothing of it. */
  valuePlaceOf(path: Path): Place | undefined;
}

/** Reads a file. What is wrong with it is among its mistakes; nothing of it that may be a secret is in them. */
export function readSource(file: string): Source {
  try {
    const { text, mode } = readNamedText(file, { pipe: true });
    return parse(file, text, (mode & 0o004) !== 0);
  } catch (cause) {
    const mistake = { source: file, option: '', message: `can't be read: ${fileReasonOf(cause)}` };
    return { file, value: undefined, mistakes: [mistake], isPublic: false, ...nowhere(file) };
  }
}

function nowhere(file: string) {
  return { placeOf: () => ({ source: file }), valuePlaceOf: () => undefined };
}

function parse(file: string, text: string, isPublic: boolean): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { source: file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const stories = document.errors.map((error) => ({ ...at(error.pos[0]), option: '', message: storyOf(error) }));
  // Each bracket that a missing quote leaves open has the same error, at the same place.
  const mistakes: Finding[] = [...new Map(stories.map((story) => [findingText(story), story])).values()];
  const value = mistakes.length > 0 ? undefined : plainOf(document, file, mistakes, at);
  return {
    file,
    value,
    mistakes,
    isPublic,
    placeOf: (path) => at(keyOffset(document, path) ?? 0),
    valuePlaceOf(path) {
      const offset = offsetOf(document.getIn(path, true));
      return offset === undefined ? undefined : at(offset);
    },
  };
}

const unknownAlias = 'a value begins with *, which YAML takes for the name of an anchor; put it in quotes';

/** Some messages of the parser quote the text, and that may be a password. */
function storyOf({ code, message }: YAMLParseError): string {
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

function plainOf(document: Document, file: string, mistakes: Finding[], at: (offset: number) => Place): unknown {
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = alias.resolve(document);
      if (target !== undefined && !ancestors.includes(target)) return;
      const message = target === undefined ? unknownAlias : 'this alias stands in the very value that it repeats';
      mistakes.push({ ...at(offsetOf(alias) ?? 0), option: '', message });
    },
  });
  if (mistakes.length > 0) return undefined;
  try {
    return document.toJS();
  } catch (cause) {
    // Aliases multiply beyond a bound.
    mistakes.push({ source: file, option: '', message: reasonOf(cause) });
    return undefined;
  }
}

function keyOffset(document: Document, path: Path): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (!isCollection(parent)) continue;
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    const offset = offsetOf(pair?.key ?? parent.get(key, true));
    if (offset !== undefined) return offset;
  }
  return undefined;
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  return (node.range as [number, number, number] | undefined)?.[0]; // as yaml says of every node that it parsed
}
