import { stuckIn, unreadyIn } from './health.ts';
import type { Pages } from './http.ts';
import type { Insight } from './insight.ts';
import { type Log, type LogLevel, logLevels } from './log.ts';
import { createMetrics } from './metrics.ts';
import { setLevel } from './signals.ts';

/** What the HTTP port answers of a running daemon. */
export function pagesOf(insight: Insight, status: () => Promise<unknown>, log: Log): Pages {
  const metrics = createMetrics(insight);
  return {
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    status,
    live: () => stuckIn(insight),
    ready: () => unreadyIn(insight),
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
