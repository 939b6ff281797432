import type { OptionIssue, OptionTree } from '../common/options/declare.ts';
import type { EnvelopeKey } from '../notification/envelope.ts';

/** What is known of a kind of sink before one is opened. `O` is the plain value of its options. */
export interface SinkDeclaration<O> {
  readonly type: string;
  /** One line for the reference. */
  readonly summary: string;
  /** What `O` holds: checking and reference are derived from it. */
  readonly options: OptionTree;
  /** How a route with these options hands over its deliveries. */
  limits(options: O): SinkLimits;
  /** What is wrong among options that are each right by themselves; told with the configuration's other mistakes. */
  check?(options: O): readonly OptionIssue[];
  /** What of that an editor can be told: JSON Schemas, none of which refuses what `check` takes. */
  readonly schemaRules?: readonly object[];
  /**
   * Keys of the envelope, beside the id, that it can't do without: a route can't omit them. None where it is left out.
   */
  requiredKeys?(options: O): readonly EnvelopeKey[];
  /** What is legal among them and surely not meant. */
  warnings?(options: O, route: SinkRoute): readonly OptionIssue[];
  /** The file that the sink writes, which no other one should, where it is of that kind. */
  file?(options: O): string;
}

/** What of a route matters to its sink. */
export interface SinkRoute {
  /** Milliseconds that it gives an attempt. */
  readonly timeout: number;
  /** Those that it gets, as far as known. */
  readonly zones: readonly string[];
  /** Secrets of notifications that it gets in clear. */
  readonly reveal: readonly string[];
}

export interface SinkLimits {
  /** How many deliveries a batch holds at most, and how long it may wait to fill (milliseconds). */
  readonly batch: { readonly max: number; readonly linger: number };
  /** How many batches may be with the sink at a time; with one, they come in the journal's order. */
  readonly concurrency: number;
}
