import type { Schema } from 'convict';
import type { Logger } from 'pino';
import type { JsonObject, Problem } from '../kazoo/notification.ts';

/** A kind of sink: it declares its options and opens itself. `O` is the plain value of those options. */
export interface SinkKind<O> {
  readonly type: string;
  /** One line for the reference. */
  readonly summary: string;
  /** A convict schema: checking, reference and editor schema are derived from it. */
  readonly options: Schema<O>;
  /** How many deliveries a batch holds at most, and how long to wait for it to fill (milliseconds). */
  readonly batch: { readonly max: number; readonly linger: number };
  /**
   * Makes the sink ready to deliver.
   * @throws SinkUnavailable when that may work later (a directory that isn't there, a server that is down).
   */
  open(options: O, context: SinkContext): Promise<Sink>;
}

export interface SinkContext {
  /** Name of the route that the sink belongs to. */
  readonly route: string;
  readonly log: Logger;
}

export interface Sink {
  /**
   * Delivers a batch, in order. When it resolves, each delivery has its outcome, at its own index; `delivered` means as
   * safe as this sink can make it.
   * @throws SinkUnavailable when nothing at all could be delivered: no outcome is recorded, the batch comes again.
   */
  deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]>;
  close(): Promise<void>;
}

/** One notification, shaped for one route. */
export interface Delivery {
  readonly id: string;
  readonly envelope: Envelope;
  /** The envelope as JSON text on one line, without a line end. */
  readonly json: string;
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

export type Outcome =
  | { readonly status: 'delivered' }
  | { readonly status: 'retry'; readonly reason: string /** Unix milliseconds */; readonly notBefore?: number }
  | { readonly status: 'dead'; readonly reason: string };

export const delivered: Outcome = { status: 'delivered' };

/** Nothing could be delivered: the sink as a whole is away. The route keeps its place and tries again later. */
export class SinkUnavailable extends Error {
  override readonly name = 'SinkUnavailable';
}
