import type { Json } from '../common/json.ts';
import type { OperatorStore } from '../journal/operator-store.ts';
import type { CountSpan, DeliveryCount, JournalReader } from '../journal/reader.ts';
import type { Entry } from '../notification/entry.ts';
import type { RouteStatus, Status } from '../ops/status.ts';

/** What the page shows, and what it can do: the daemon gives it. */
export interface PageSource {
  readonly reader: Pick<JournalReader, 'search' | 'outages' | 'summary'>;
  /** It may be as old as it is costly. */
  status(): Promise<Status>;
  counts(per: CountSpan, since: number): Promise<readonly DeliveryCount[]>;
  /** As an operator's command opens it; whoever opens it closes it. */
  openStore(): Promise<OperatorStore>;
  /** Tells what has become of notifications, route by route. */
  fates(store: OperatorStore): Promise<(entry: Entry) => Promise<readonly Fate[]>>;
  /** By its name in the journal, also where another daemon runs it; null where the configuration has none. */
  route(name: string): Promise<PageRoute | null>;
  events(): readonly PageEvent[];
  /** By event, of the catalogue or `unknown`: how many this daemon has received since its start, without redeliveries. */
  came(): ReadonlyMap<string, number>;
  configuration(): PageConfiguration;
  /** Does with a body what the daemon would, but for journal and sinks. Nothing of it is kept. */
  trial(route: string, routingKey: string, body: Uint8Array): Trial;
  /** Pages of what a route has passed and would deliver again, of a span of arrival in Unix milliseconds. */
  replayable(
    store: OperatorStore,
    route: string,
    span: { readonly since: number; readonly until: number },
  ): AsyncIterable<readonly Entry[]>;
  /** Probes the sinks that are away at once, and looks for what operators have changed. */
  probe(route?: string): void;
  look(): void;
  /** Returns how to stop that. */
  subscribe(listener: () => void): () => void;
}

export interface Fate {
  readonly route: string;
  readonly state: string;
  readonly text: string;
}

export interface PageRoute {
  readonly status: RouteStatus;
  /** Its configuration as YAML, without secrets: that of this daemon. */
  readonly text: string;
  readonly place: RoutePlace;
}

/** Where a route runs: here, on another daemon, or nowhere now. */
export type RoutePlace = 'here' | 'nowhere' | { readonly daemon: string; readonly hasOtherConfiguration: boolean };

export interface PageEvent {
  readonly name: string;
  readonly category: string;
  readonly description: string;
  readonly fields: readonly {
    readonly name: string;
    readonly type: string;
    readonly description: string;
    readonly required: boolean;
  }[];
  readonly schema: Json;
  readonly example: Json;
  readonly routingKey: string;
}

export interface PageConfiguration {
  readonly file: string | null;
  /** YAML, each line with where it comes from, without secrets. */
  readonly text: string;
  readonly warnings: readonly string[];
  /** What the last reload said, and when, in Unix milliseconds; null where there was none. */
  readonly lastReload: { readonly at: number; readonly report: string } | null;
}

export interface Trial {
  /** Whether the route would deliver it, and why not. */
  readonly decision: 'deliver' | 'quarantine' | 'skip';
  readonly reason: string | null;
  readonly problems: readonly string[];
  /** What its sink would get, as JSON; null where it gets nothing. */
  readonly envelope: string | null;
}
