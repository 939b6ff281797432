import { setTimeout as delay } from 'node:timers/promises';
import { daemonStatus } from '../../src/cli/support/daemon-client.ts';
import { memoryOf } from '../process.ts';
import type { Load } from './load.ts';
import type { Stage } from './stage.ts';

/** How things stand at a time; null where no daemon answers. */
export interface Sample {
  /** Milliseconds since the start. */
  readonly at: number;
  readonly pid: number | undefined;
  /** MiB. */
  readonly memory: number | null;
  /** Notifications that the route is behind which is farthest behind. */
  readonly lag: number | null;
  readonly published: number;
  /** By that route, on its way through the journal. */
  readonly delivered: number | null;
}

/** Looks every second, until it is told to stop, and gives what it has seen. */
export function watch(stage: Stage, load: Load): { stop(): Promise<Sample[]> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const start = performance.now();
  const samples: Sample[] = [];
  const watching = (async () => {
    while (!signal.aborted) {
      const { process: daemon } = stage.daemon;
      const routes = await routesOf(stage.journal);
      samples.push({
        at: Math.round(performance.now() - start),
        pid: daemon.pid,
        memory: memoryOf(daemon)?.now ?? null,
        lag:
          routes === null ? null : Math.max(...routes.map(({ lag, waiting }) => (lag?.messages ?? 0) + (waiting ?? 0))),
        published: load.confirmed.size,
        delivered: routes === null ? null : Math.min(...routes.map(({ cursor }) => cursor ?? 0)),
      });
      await delay(1_000, undefined, { signal }).catch(() => undefined);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
      return samples;
    },
  };
}

async function routesOf(journal: string) {
  try {
    const status = await daemonStatus(journal);
    return status === null || 'error' in status ? null : status.routes;
  } catch {
    return null; // It was killed in the middle of it.
  }
}
