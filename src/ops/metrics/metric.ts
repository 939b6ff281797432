import type { Histogram } from '../../common/stats.ts';
import type { Summary } from '../../journal/reader.ts';
import type { BrokerSnapshot, RouteSnapshot, RuntimeSnapshot } from '../runtime-snapshot.ts';

/** The data of one scrape. */
export interface Reading {
  readonly brokers: readonly BrokerSnapshot[];
  readonly routes: readonly RouteSnapshot[];
  /** Null where the journal can't be read. */
  readonly summary: Summary | null;
  readonly snapshot: RuntimeSnapshot;
}

/** A metric that is read when Prometheus asks, from what the daemon counts anyway. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One line, without the name. */
  readonly help: string;
  readonly labels: readonly string[];
  read(reading: Reading): Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it isn't the metric's own: a histogram has three. */
  readonly metricName?: string;
}

/** The samples of a histogram. */
export function histogramSamples(name: string, labels: Readonly<Record<string, string>>, from: Histogram): Sample[] {
  const upTo = from.upTo();
  const bucket = (le: string, value: number) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value });
  return [
    ...from.bounds.map((bound, index) => bucket(String(bound), upTo[index] ?? 0)),
    bucket('+Inf', from.count),
    { metricName: `${name}_sum`, labels, value: from.sum },
    { metricName: `${name}_count`, labels, value: from.count },
  ];
}

/** One sample for each state that something may be in: 1 for the one that it is in. */
export function stateSamples(
  labels: Readonly<Record<string, string>>,
  all: readonly string[],
  current: string,
): readonly Sample[] {
  return all.map((state) => ({ labels: { ...labels, state }, value: state === current ? 1 : 0 }));
}
