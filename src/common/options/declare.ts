import type { SchemaObj } from 'convict';
import type { Excerpt } from '../text/slips.ts';

/**
 * Options as they nest in the file, declared where they are used: the checking of the file and its reference are
 * derived from them.
 */
export interface OptionTree {
  readonly [name: string]: OptionNode;
}

export type OptionNode = Option | OptionList | OptionMap | OptionalSection | OptionTree;

/**
 * One value, as convict takes it. Where `default` is null, it must be given; where it is undefined, it may be left out.
 * A `sensitive` one is never shown.
 */
export type Option = SchemaObj<unknown> & {
  readonly doc: string;
  /** The flag of `run` that sets it, such as `log-level`, where one is worth having. */
  readonly flag?: string;
};

/** A kind of value, by whose name an option says what it takes. */
export interface Format {
  /** Its name in the reference. */
  readonly kind: string;
  /** Its JSON Schema, for editors. */
  readonly schema: object;
  /** True where a text from elsewhere than the file means several values, with commas between them. */
  readonly isList?: true;
  /** @throws Error that says what is allowed, without the value: it may be a secret */
  validate(value: unknown): void;
  /**
   * Converts the written value to the one that the program uses. It leaves an unreadable one for `validate` to refuse.
   */
  coerce?(text: unknown): unknown;
  /** As `validate`, for what only the value as it is written shows, before `coerce`. */
  validateWritten?(value: unknown): void;
}

/** A list; `items` describes each value of it: one value, or a mapping. */
export interface OptionList {
  readonly doc: string;
  readonly items: Option | OptionTree;
  readonly default: readonly unknown[];
}

/** A mapping with keys of the operator's choice; `each` describes its values. It is empty by default. */
export interface OptionMap {
  readonly doc: string;
  readonly each: Option | OptionTree;
}

/** A section that may be left out, and is undefined then, though something in it may be required. */
export interface OptionalSection {
  readonly doc: string;
  readonly optional: OptionTree;
}

export function isOption(node: OptionNode): node is Option {
  return Object.hasOwn(node, 'default') && !isOptionList(node);
}

export function isOptionList(node: OptionNode): node is OptionList {
  return Object.hasOwn(node, 'items');
}

export function isOptionMap(node: OptionNode): node is OptionMap {
  return Object.hasOwn(node, 'each');
}

export function isOptionalSection(node: OptionNode): node is OptionalSection {
  return Object.hasOwn(node, 'optional');
}

/**
 * What is wrong with options, or odd about them. Its path leads from where they are declared on; no sensitive value is
 * shown.
 */
export interface OptionIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The line of it that can't be read, and how it was meant. */
  readonly excerpt?: Excerpt;
}

/**
 * Returns errors among options that are valid one by one. A rule is about one thing, so that an error elsewhere doesn't
 * hide it.
 */
export type OptionRule<O> = (options: O) => readonly OptionIssue[];
