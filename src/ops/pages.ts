import { stuckIn, unreadyIn } from './health.ts';
import type { Pages } from './http-server.ts';
import { type Log, type LogLevel, logLevels, setLevel } from './log.ts';
import type { MetricsPage } from './metrics.ts';
import type { RuntimeSnapshot } from './runtime-snapshot.ts';
import { type Status, withoutAnswers, withoutBrokersAnswers } from './status.ts';

/** What the HTTP port answers of a running daemon. */
export function pagesOf(snapshot: RuntimeSnapshot, status: () => Promise<Status>, log: Log): Pages {
  let metrics: Promise<MetricsPage> | undefined;
  return {
    async metrics() {
      // Its library is only for who has a Prometheus.
      metrics ??= import('./metrics.ts').then(({ createMetrics }) => createMetrics(snapshot));
      const { contentType, text } = await metrics;
      return { contentType, text: await text() };
    },
    status: async () => withoutAnswers(await status()),
    live: () => stuckIn(snapshot),
    ready: () => {
      const { routes, trouble } = snapshot;
      return unreadyIn({ brokers: () => withoutBrokersAnswers(snapshot.brokers()), routes, trouble });
    },
    logLevel: {
      get: () => log.level,
      set(wanted) {
        const level: LogLevel | undefined = logLevels.find((known) => known === wanted);
        if (level !== undefined) setLevel(log, level);
        return level !== undefined;
      },
    },
  };
}
