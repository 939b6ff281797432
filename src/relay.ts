import type { Logger } from 'pino';
import { Intake, type IntakeContext } from './broker/intake.ts';
import { Link } from './broker/link.ts';
import type { BrokerConfig, Config } from './config/config.ts';
import { type Route, startRoute } from './delivery/route.ts';
import type { Journal } from './journal/journal.ts';
import { openJournal } from './journal/sqlite.ts';
import { openControl } from './ops/control.ts';
import { stuckIn, summaryOf } from './ops/health.ts';
import { openHttpPort } from './ops/http.ts';
import type { BrokerInsight, Insight, RouteInsight } from './ops/insight.ts';
import type { Log } from './ops/log.ts';
import { pagesOf } from './ops/pages.ts';
import { sparing } from './ops/sparing.ts';
import { type BrokerStatus, type Status, statusOf } from './ops/status.ts';
import type { Vitals } from './ops/systemd.ts';
import { createValidator } from './schema/validator.ts';
import { sinkKind } from './sinks/registry.ts';

export interface Relay {
  /** What a service manager wants to know. */
  readonly vitals: Vitals;
  /**
   * Stops intake, finishes what is in flight, and closes everything in the reverse order of its start. What isn't
   * finished when `deadline` aborts stays where it is safe: on the broker or in the journal.
   */
  stop(deadline: AbortSignal): Promise<void>;
}

/**
 * Builds the relay that a configuration describes, and starts it: journal, routes, links to the brokers, in this order,
 * so that whatever comes in finds its way prepared.
 * @throws JournalError, SchemaError
 */
export async function startRelay(config: Config, log: Logger, ownLog: Log): Promise<Relay> {
  const validator = createValidator(config.validation.schemas);
  const journal = openJournal(config.journal.path, log, config.journal);
  const routes = await startRoutes(config, journal, log);
  const lines = config.brokers.map((broker) => startLine(broker, config, { journal, validator, log }));
  const startedAt = Date.now();
  const insight: Insight = {
    brokers: () => lines.map(lineInsight),
    routes: () => [...routes].map(routeInsight),
    summary: sparing(() => journal.summary()),
    maxSize: config.journal.maxSize,
    maxQueue: config.queue.maxLength,
    lines: () => ownLog.lines,
  };
  const status = async (summary: Insight['summary']): Promise<Status> => {
    const activityOf = (name: string) => routes.get(name)?.activity;
    const live = { startedAt, brokers: lines.map(lineStatus), activityOf, http: http?.status ?? null };
    return statusOf(config, await summary(), live);
  };
  const http = openHttpPort(config.http, () => pagesOf(insight, () => status(insight.summary), ownLog), log);
  const control = await openControl(config.journal.path, () => status(() => journal.summary()), log);

  return {
    vitals: { summary: () => summaryOf(insight), stuck: () => stuckIn(insight) },
    async stop(deadline) {
      await control.close();
      await http?.close();
      await Promise.all(lines.map(({ link }) => link.stop(deadline)));
      await Promise.all([...routes.values()].map((route) => route.stop(deadline)));
      await journal.close();
    },
  };
}

/** The intake line of one broker. */
interface Line {
  readonly broker: BrokerConfig;
  readonly intake: Intake;
  readonly link: Link;
}

function startLine(broker: BrokerConfig, config: Config, context: IntakeContext): Line {
  const log = context.log.child({ zone: broker.zone, broker: hostOf(broker) });
  const reveals = config.routes.flatMap((route) => route.reveal);
  const intake = new Intake({ ...config.intake, reveals }, { ...context, log });
  return { broker, intake, link: new Link(broker, { ...config.intake, queue: config.queue }, intake, log) };
}

function lineStatus({ broker, intake, link }: Line): BrokerStatus {
  const { state, since, reason = null } = link.activity;
  const { received, paused, perSecond: rate } = intake;
  return {
    zone: broker.zone,
    broker: hostOf(broker),
    state,
    since: new Date(since).toISOString(),
    reason,
    rate,
    received,
    paused,
  };
}

function lineInsight(line: Line): BrokerInsight {
  const { intake, link } = line;
  return {
    ...lineStatus(line),
    held: intake.received - intake.committed,
    stuck: link.stuck || intake.stuck,
    link: link.counts,
    intake: intake.counts,
  };
}

function routeInsight([name, { stuck, activity, counts }]: [string, Route]): RouteInsight {
  return { name, stuck, activity, counts };
}

function hostOf({ url }: BrokerConfig): string {
  return new URL(url).host;
}

async function startRoutes(config: Config, journal: Journal, log: Logger): Promise<Map<string, Route>> {
  const started = await Promise.all(
    config.routes.map(async (route): Promise<[string, Route]> => {
      const routeLog = log.child({ route: route.name });
      const kind = sinkKind(route.sink.type);
      const openSink = () => kind.open(route.sink.options, { route: route.name, log: routeLog });
      const options = { ...route, flow: kind.flow(route.sink.options) };
      return [route.name, await startRoute(options, { journal, log: routeLog, openSink })];
    }),
  );
  return new Map(started);
}
