import { collectDefaultMetrics, type Metric as PromMetric, Registry } from 'prom-client';
import { daemonMetrics } from './metrics/daemon.ts';
import { deliveryMetrics } from './metrics/delivery.ts';
import { intakeMetrics } from './metrics/intake.ts';
import type { Metric, Reading } from './metrics/metric.ts';
import type { RuntimeSnapshot } from './runtime-snapshot.ts';

/** Gauges of prom-client with the name of a counter; those beside them without `_total` count the same by type. */
const misnamed = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/** Every metric of ours. */
export const metrics: readonly Metric[] = [...intakeMetrics, ...deliveryMetrics, ...daemonMetrics];

export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

/**
 * All that Prometheus is told. Nothing is counted here: each scrape reads what the daemon's parts count for themselves.
 */
export function createMetrics(snapshot: RuntimeSnapshot): MetricsText {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  let reading: Reading = { brokers: [], routes: [], summary: null, snapshot };
  for (const metric of metrics) registry.registerMetric(pulled(metric, () => reading));
  return {
    contentType: registry.contentType,
    async text() {
      const summary = await snapshot.summary().catch(() => null);
      reading = { brokers: snapshot.brokers(), routes: snapshot.routes(), summary, snapshot };
      return registry.metrics();
    },
  };
}

/**
 * A metric in the shape that prom-client's registry reads. Its own classes count for themselves, which we do already.
 */
function pulled(metric: Metric, reading: () => Reading): PromMetric {
  const { name, type, help } = metric;
  const get = async () => ({ name, type, help, aggregator: 'sum', values: summed(metric.read(reading())) });
  return { name, get } as unknown as PromMetric; // of a metric, the registry uses its name and what get() resolves to
}

/** Several brokers of one zone share a sample. */
function summed(samples: ReturnType<Metric['read']>): ReturnType<Metric['read']> {
  const sums = new Map<string, ReturnType<Metric['read']>[number]>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.metricName, sample.labels]);
    const known = sums.get(key);
    sums.set(key, known === undefined ? sample : { ...sample, value: known.value + sample.value });
  }
  return [...sums.values()];
}
