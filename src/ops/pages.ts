import { stuckIn, unreadyIn } from './health.ts';
import type { Pages } from './http-server.ts';
import type { Insight } from './insight.ts';
import { type Log, type LogLevel, logLevels, setLevel } from './log.ts';
import type { MetricsPage } from './metrics.ts';
import { type Status, withoutAnswers, withoutBrokersAnswers } from './status.ts';

/** What the HTTP port answers of a running daemon. */
export function pagesOf(insight: Insight, status: () => Promise<Status>, log: Log): Pages {
  let metrics: Promise<MetricsPage> | undefined;
  return {
    async metrics() {
      // Its library is only for who has a Prometheus.
      metrics ??= import('./metrics.ts').then(({ createMetrics }) => createMetrics(insight));
      const { contentType, text } = await metrics;
      return { contentType, text: await text() };
    },
    status: async () => withoutAnswers(await status()),
    live: () => stuckIn(insight),
    ready: () => {
      const { routes, trouble } = insight;
      return unreadyIn({ brokers: () => withoutBrokersAnswers(insight.brokers()), routes, trouble });
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
