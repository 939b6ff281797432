import type { Logger } from 'pino';
import type { OptionIssue, OptionRule, OptionTree } from '../common/options/declare.ts';
import type { Delivery, EnvelopeKey } from '../notification/envelope.ts';

/** A kind of sink: what it declares, how its connection is tested, and how it is opened. */
export interface SinkKind<O> extends SinkDeclaration<O> {
  /**
   * Tests whether the sink could deliver, and returns the findings. It delivers and changes nothing.
   * @throws Error with the obstacle
   */
  connectionTest(options: O, context: SinkContext): Promise<string>;
  /**
   * Makes the sink ready to deliver.
   * @throws SinkUnavailable when that may work later (a directory that isn't there, a server that is down).
   */
  open(options: O, context: SinkContext): Promise<Sink>;
}

/** What is known of a kind of sink before one is opened. `O` is the plain value of its options. */
export interface SinkDeclaration<O> {
  readonly type: string;
  /** One line for the reference. */
  readonly summary: string;
  /** What `O` holds: checking and reference are derived from it. */
  readonly options: OptionTree;
  /** Whether it is a place on one machine: another daemon that shares the journal would deliver to another place. */
  isLocal(options: O): boolean;
  /** How a route with these options hands over its deliveries. */
  limits(options: O): SinkLimits;
  /** How the options go together; what breaks a rule is told with the configuration's other mistakes. */
  readonly rules?: readonly OptionRule<O>[];
  /** The same rules for an editor: JSON Schemas, none of which refuses what the rules accept. */
  readonly schemaRules?: readonly object[];
  /**
   * Keys of the envelope, beside the id, that it can't do without: a route can't omit them. None where it is left out.
   */
  requiredKeys?(options: O): readonly EnvelopeKey[];
  /** Options that are legal but surely not meant. */
  warnings?(options: O, route: SinkRoute): readonly OptionIssue[];
  /** Paths into the envelope that its options name, by their steps, each with the option that does. */
  paths?(options: O): readonly { readonly at: OptionIssue['path']; readonly path: readonly string[] }[];
  /** Finds an error of a delivery before it is sent. Undefined if the sink can't know any. */
  rehearse?(options: O): ((delivery: Delivery) => OptionIssue | undefined) | undefined;
  /** True where a sink with these options can deliver several notifications as one message. */
  digests?(options: O): boolean;
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
  /** `account`: those of an account come one at a time. */
  readonly order: 'none' | 'account';
}

export interface SinkLimits {
  /**
   * How many deliveries a batch holds at most, and how long it may wait to fill (milliseconds). `size` is how many
   * characters their bodies may have together, unless it is one by itself: 4 Mi where it is left out, since a sink may hold
   * several copies of a batch at a time.
   */
  readonly batch: { readonly max: number; readonly linger: number; readonly size?: number };
  /** How many batches may be with the sink at a time; with one, they come in the journal's order. */
  readonly concurrency: number;
}

export interface SinkContext {
  /** Name of the route that the sink belongs to. */
  readonly route: string;
  /** True beside a daemon that may be delivering to the same place: what seems half done there is left to it. */
  readonly isGuest?: boolean;
  /** False while the clock is in doubt: then nothing is removed for its age. Nor is it where this is left out. */
  readonly mayRemoveOld?: () => boolean;
  /** Bytes that a body may have at intake, where it is known: what the sink gets has hardly more. */
  readonly maxBodySize?: number;
  readonly log: Logger;
}

export interface Sink {
  /**
   * Delivers a batch, in order. When it resolves, each delivery has its outcome, at its own index; `delivered` means as
   * safe as this sink can make it.
   * @param signal aborts when the attempt has taken too long, or the daemon must end: what isn't delivered comes again
   * @throws SinkUnavailable when nothing at all could be delivered: no attempt is counted, the batch comes again.
   */
  deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]>;
  /** As `deliver`, but all of a batch that goes to the same people goes as one message, where the kind of sink can. */
  deliverDigest?(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]>;
  /**
   * Delivers one notification and tells how that went, in as much detail as helps an operator, without any secret.
   * Where a sink has none, `deliver` is all there is to tell.
   * @throws SinkUnavailable
   */
  probe?(delivery: Delivery, signal: AbortSignal): Promise<ProbeReport>;
  close(): Promise<void>;
}

/** Request and response, as text of several lines; null if there was none. */
export interface ProbeReport {
  readonly request: string | null;
  readonly answer: string | null;
  readonly outcome: Outcome;
}

export type Outcome = Delivered | Retry | Dead;

interface Delivered {
  readonly status: 'delivered';
  /** The code of the answer, if there is one. */
  readonly code?: number | string;
}

/** It failed, and may work later. */
interface Retry {
  readonly status: 'retry';
  readonly reason: string;
  /** What the other side answered: an HTTP status, an SQLSTATE, a code of the system such as ECONNRESET. */
  readonly code?: number | string;
  /** Unix milliseconds that the other side asked to wait for. */
  readonly notBefore?: number;
  /** True for a failure that says nothing about this one notification: several in a row mean that the sink is away. */
  readonly away?: boolean;
}

/** It can never work. */
interface Dead {
  readonly status: 'dead';
  readonly reason: string;
  readonly code?: number | string;
  /**
   * Who is refused, where that may not be about this notification: all, or its account. Again and again, it means that the
   * sink is away for them.
   */
  readonly refused?: 'all' | 'account';
}

/** How many notifications a digest has, at most: the others are in the next one. */
export const mostInDigest = 1_000;

export const delivered: Outcome = { status: 'delivered' };

/** Nothing could be delivered: the sink as a whole is away. The route keeps its place and tries again later. */
export class SinkUnavailable extends Error {
  override readonly name = 'SinkUnavailable';
  /** Milliseconds until it is worth trying again, where the sink knows better than growing pauses. */
  readonly probeAfter: number | undefined;
  /** As of an outcome: the pauses grow all the same, and are no shorter than that. */
  readonly notBefore: number | undefined;
  /** True where what was tried may be at fault itself, and not the sink: another one should be the next to be tried. */
  readonly unsure: boolean;
  /** As of an outcome. */
  readonly code: number | string | undefined;

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly probeAfter?: number | undefined;
      readonly notBefore?: number | undefined;
      readonly unsure?: boolean;
      readonly code?: number | string | undefined;
    } = {},
  ) {
    super(message, options);
    this.code = options.code;
    this.probeAfter = options.probeAfter;
    this.notBefore = options.notBefore;
    this.unsure = options.unsure ?? false;
  }
}
