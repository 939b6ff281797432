import type { Logger } from 'pino';
import type { OptionTree } from '../common/options/declare.ts';
import type { JsonObject, Problem, Secret } from '../kazoo/notification.ts';

/** A kind of sink: it declares its options and opens itself. `O` is the plain value of those options. */
export interface SinkKind<O> {
  readonly type: string;
  /** One line for the reference. */
  readonly summary: string;
  /** What `O` holds: checking and reference are derived from it. */
  readonly options: OptionTree;
  /** How a route with these options hands over its deliveries. */
  flow(options: O): Flow;
  /** What is wrong among options that are each right by themselves; told with the configuration's other mistakes. */
  check?(options: O): readonly OptionMistake[];
  /** What of that an editor can be told: JSON Schemas, none of which refuses what `check` takes. */
  readonly relations?: readonly object[];
  /**
   * Keys of the envelope, beside the id, that it can't do without: a route can't omit them. None where it is left out.
   */
  needs?(options: O): readonly EnvelopeKey[];
  /** What is legal among them and surely not meant. */
  doubts?(options: O, route: DoubtedRoute): readonly OptionMistake[];
  /** The file that the sink writes, which no other one should, where it is of that kind. */
  file?(options: O): string;
  /**
   * Looks whether the sink could deliver, and says what it found; delivers nothing, and changes nothing.
   * @throws Error that says what is in the way
   */
  examine(options: O, context: SinkContext): Promise<string>;
  /**
   * Makes the sink ready to deliver.
   * @throws SinkUnavailable when that may work later (a directory that isn't there, a server that is down).
   */
  open(options: O, context: SinkContext): Promise<Sink>;
}

/** What of a route matters to its sink. */
export interface DoubtedRoute {
  /** Milliseconds that it gives an attempt. */
  readonly timeout: number;
  /** Those that it gets, as far as known. */
  readonly zones: readonly string[];
  /** Secrets of notifications that it gets in clear. */
  readonly reveal: readonly string[];
}

/** Names the option from the sink on; shows no sensitive value. */
export interface OptionMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface Flow {
  /** How many deliveries a batch holds at most, and how long it may wait to fill (milliseconds). */
  readonly batch: { readonly max: number; readonly linger: number };
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
  /**
   * Delivers one notification and tells how that went, in as much detail as helps an operator, without any secret.
   * Where a sink has none, `deliver` is all there is to tell.
   * @throws SinkUnavailable
   */
  probe?(delivery: Delivery, signal: AbortSignal): Promise<ProbeReport>;
  close(): Promise<void>;
}

/** What was said and answered, as text of several lines; null where it didn't come to that. */
export interface ProbeReport {
  readonly request: string | null;
  readonly answer: string | null;
  readonly outcome: Outcome;
}

/** One notification, shaped for one route. */
export interface Delivery {
  readonly id: string;
  readonly event: string | null;
  readonly envelope: ShapedEnvelope;
  /** The envelope as JSON text on one line, without a line end. It begins with the id. */
  readonly json: string;
  /** The body's JSON text before the route has shaped it, its numbers as KAZOO wrote them; `null` where there is none. */
  readonly body: string;
  /** The secrets that the route reveals in it: no reason may quote them. */
  readonly secrets: readonly Secret[];
}

/** What a sink gets of a notification. Keys are stable; times are RFC 3339 in UTC with milliseconds. */
export interface Envelope {
  readonly id: string;
  readonly event: string | null;
  readonly category: string | null;
  readonly account_id: string | null;
  readonly zone: string;
  readonly node: string | null;
  readonly occurred_at: string;
  readonly received_at: string;
  readonly routing_key: string;
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  readonly resend_of: string | null;
  readonly data: JsonObject | null;
}

export type EnvelopeKey = Exclude<keyof Envelope, 'id'>;

/**
 * What a route leaves of an envelope: the id, what the sink has said that it needs, and any other key only if the route
 * doesn't omit it. Keys that the route has set may stand beside them.
 */
export type ShapedEnvelope = Pick<Envelope, 'id'> & { readonly [Key in EnvelopeKey]?: Envelope[Key] | undefined };

export type Outcome = { readonly status: 'delivered' } | Retry | Dead;

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
}

export const delivered: Outcome = { status: 'delivered' };

/** Nothing could be delivered: the sink as a whole is away. The route keeps its place and tries again later. */
export class SinkUnavailable extends Error {
  override readonly name = 'SinkUnavailable';
  /** Milliseconds until it is worth trying again, where the sink knows better than growing pauses. */
  readonly probeAfter: number | undefined;
  /** True where what was tried may be at fault itself, and not the sink: another one should be the next to be tried. */
  readonly unsure: boolean;
  /** As of an outcome. */
  readonly code: number | string | undefined;

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly probeAfter?: number | undefined;
      readonly unsure?: boolean;
      readonly code?: number | string | undefined;
    } = {},
  ) {
    super(message, options);
    this.code = options.code;
    this.probeAfter = options.probeAfter;
    this.unsure = options.unsure ?? false;
  }
}
