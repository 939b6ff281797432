import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { unlessAborted } from '../common/async/abort.ts';
import { reasonOf } from '../common/errors.ts';
import { messages } from '../common/messages.ts';
import type { Config, Expectation } from '../config/config.ts';
import { routeInJournal } from '../config/journal-place.ts';
import type { Journal } from '../journal/journal.ts';
import { relayNotification } from '../kazoo/relay-notification.ts';
import { version } from '../ops/process.ts';
import type { RuntimeSnapshot } from '../ops/runtime-snapshot.ts';
import { wantsOwn } from '../routes/match.ts';
import { type Look, SelfWatch } from './self-watch.ts';
import { lastOf, pastOf } from './silence.ts';

/** Between looks, in milliseconds; longer where a look at many routes would take more than a hundredth of the time. */
const pause = 1_000;
const share = 1 / 100;

/** The journal, which costs more, is read at every thirtieth. */
const journalEvery = 30;

/** How many own notifications wait for a journal that takes nothing; of more, the oldest are dropped. */
const mostWaiting = 100;

interface Watched {
  /** As it is now: a reload may have changed it. */
  readonly config: Pick<Config, 'name' | 'journal' | 'routes' | 'expect'>;
  readonly journal: Journal;
  readonly log: { readonly logger: Logger };
}

interface SelfReports {
  /** Expected events that don't come. */
  readonly overdue: readonly Expectation[];
  close(): Promise<void>;
}

/**
 * Reports on the daemon itself by notifications of its own, which go through the journal as all others do. It reports
 * nothing of routes that deliver them, because each report would cause the next.
 */
export function startSelfReports(watched: Watched, snapshot: RuntimeSnapshot): SelfReports {
  const watch = new SelfWatch();
  const publisher = { node: hostname(), version };
  let isSpeaker = true;
  let waiting: ReturnType<typeof relayNotification>[] = [];
  let looks = 0;
  let isTroubled = false;
  const stopping = new AbortController();
  const running = run(stopping.signal);

  async function run(signal: AbortSignal): Promise<void> {
    for (let wait = pause; !signal.aborted; ) {
      await delay(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const started = performance.now();
      // A stop doesn't wait for a journal that may not answer for long.
      await unlessAborted(look(), signal).catch(() => undefined);
      wait = Math.max(pause, (performance.now() - started) / share);
    }
  }

  async function look(): Promise<void> {
    const isDue = looks % journalEvery === 0;
    looks += 1;
    try {
      const summary = isDue ? await snapshot.summary() : undefined;
      const { config } = watched;
      // Of those that share the journal, the first by name.
      const [first] = summary?.daemons.filter(({ lives }) => lives) ?? [];
      if (first !== undefined) isSpeaker = first.name === config.name;
      const routes = routesIn(config, snapshot);
      const seen = { brokers: snapshot.brokers(), routes, expected: config.expect, summary, isSpeaker };
      // A restart or a reload ends no silence; what another daemon has taken does.
      for (const [name, awaited] of watch.newIn(seen))
        watch.recall(name, await pastOf(awaited, watched.journal, Date.now()));
      if (isDue && config.journal.url !== undefined)
        for (const [name, awaited] of watch.expectedIn(seen))
          watch.cameElsewhere(name, await lastOf(awaited, watched.journal), Date.now());
      const told = watch.look(seen, performance.now(), Date.now());
      for (const { event, data } of told)
        if (event === 'relay_nothing_comes') watched.log.logger.warn({ ...data }, messages.nothingComes);
      waiting = [...waiting, ...told.map((event) => relayNotification(event, publisher, Date.now()))].slice(
        -mostWaiting,
      );
      if (waiting.length > 0) await watched.journal.append(waiting);
      waiting = [];
      isTroubled = false;
    } catch (error) {
      if (!isTroubled) watched.log.logger.warn({ reason: reasonOf(error) }, messages.ownWait);
      isTroubled = true;
    }
  }

  return {
    get overdue() {
      return watch.overdue;
    },
    async close() {
      stopping.abort();
      await running;
    },
  };
}

function routesIn(config: Watched['config'], snapshot: RuntimeSnapshot): Look['routes'] {
  const told = new Map(
    config.routes
      .filter(({ events }) => !wantsOwn(events))
      .map((route) => [routeInJournal(route, config), route.sink.type]),
  );
  return snapshot.routes().flatMap((route) => {
    const sink = told.get(route.name);
    return sink === undefined ? [] : [{ ...route, sink }];
  });
}
