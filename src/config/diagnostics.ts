import { type Excerpt, excerptLines } from '../common/text/slips.ts';

/** Keys, and places in lists, that lead to a value. */
export type OptionPath = readonly (string | number)[];

/**
 * Where a value of the configuration was set: in a file, or by what overrides it, such as `KAZOO_RELAY_LOG_LEVEL`.
 */
export interface SourceLocation {
  readonly source: string;
  /** Both count from 1; only a file has them. */
  readonly line?: number;
  readonly column?: number;
}

/** What is wrong, or most likely not meant, before its location is known. */
export interface Issue {
  readonly path: OptionPath;
  readonly message: string;
  /** The value at that place, as JSON, masked if it is secret. */
  readonly value?: string;
  /** The key that was probably meant by the last one of the path. */
  readonly suggestion?: string;
  /** The line of it that can't be read, and how it was meant. */
  readonly excerpt?: Excerpt;
}

/** What is wrong, or most likely not meant, with its location. */
export interface Diagnostic extends SourceLocation {
  /** `routes.archive.events`; empty for what is wrong with a file as a whole. */
  readonly option: string;
  readonly message: string;
  /** The value at that place, as JSON, masked if it is secret. */
  readonly value?: string;
  /** The reference that the value comes from, such as `${env:NAME}`. */
  readonly from?: string;
  /** The line that can't be read, and how it was meant. */
  readonly excerpt?: Excerpt;
}

/** A configuration that can't be used; the message lists every error with its location. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** `/etc/kazoo-relay/kazoo-relay.yaml:3:5: log.level must be one of debug, info: value was "loud"`. */
export function diagnosticText({ option, message, value, from, ...location }: Diagnostic): string {
  const origin = from === undefined ? '' : `${value === undefined ? ': value is that of' : ', of'} ${from}`;
  const shown = value === undefined ? '' : `: value was ${value}`;
  return `${locationText(location)}: ${option === '' ? '' : `${option} `}${message}${shown}${origin}`;
}

/** The same, and below it the line with a caret, where there is something to see. @param width characters that the excerpt may have */
export function diagnosticLines(diagnostic: Diagnostic, width?: number): string[] {
  const { excerpt } = diagnostic;
  return [diagnosticText(diagnostic), ...(excerpt === undefined ? [] : excerptLines(excerpt, width))];
}

export function locationText({ source, line, column }: SourceLocation): string {
  return line === undefined ? source : `${source}:${line}:${column ?? 1}`;
}

/** `routes.archive.events`, `brokers[0].url`. */
export function optionName(path: OptionPath): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`)).join('');
}

/** Something known of each of many paths, found by its keys. */
export class PathMap<T> {
  readonly #root: PathNode<T> = { below: new Map() };

  set(path: OptionPath, value: T): void {
    let node = this.#root;
    for (const key of path) {
      const next: PathNode<T> = node.below.get(key) ?? { below: new Map() };
      node.below.set(key, next);
      node = next;
    }
    node.value = value;
  }

  /** What is known of the path, or of the whole that it is a part of. */
  get(path: OptionPath): T | undefined {
    return this.#along(path).find(({ value }) => value !== undefined)?.value;
  }

  /** True where something is known of the path, of a part of it, or of the whole that it is a part of. */
  touches(path: OptionPath): boolean {
    const nodes = this.#along(path);
    return nodes.length > path.length || nodes.some(({ value }) => value !== undefined);
  }

  #along(path: OptionPath): PathNode<T>[] {
    const nodes = [this.#root];
    for (const key of path) {
      const next = nodes.at(-1)?.below.get(key);
      if (next === undefined) break;
      nodes.push(next);
    }
    return nodes;
  }
}

interface PathNode<T> {
  value?: T;
  readonly below: Map<string | number, PathNode<T>>;
}

/** True if the path leads to the same place as `other`, or into it. */
export function isWithin(path: OptionPath, other: OptionPath): boolean {
  return other.every((key, index) => path[index] === key);
}
