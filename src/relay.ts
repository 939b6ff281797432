import type { Logger } from 'pino';
import { Intake } from './broker/intake.ts';
import { Link } from './broker/link.ts';
import type { Config } from './config/config.ts';
import { type Route, startRoute } from './delivery/route.ts';
import type { Journal } from './journal/journal.ts';
import { openJournal } from './journal/sqlite.ts';
import { createValidator } from './schema/validator.ts';
import { sinkKind } from './sinks/registry.ts';

export interface Relay {
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
export async function startRelay(config: Config, log: Logger): Promise<Relay> {
  const validator = createValidator(config.validation.schemas);
  const journal = openJournal(config.journal.path, log, config.journal);
  const routes = await startRoutes(config, journal, log);
  const links = config.brokers.map((broker) => {
    const brokerLog = log.child({ zone: broker.zone, broker: new URL(broker.url).host });
    const reveals = config.routes.flatMap((route) => route.reveal);
    const intake = new Intake({ ...config.intake, reveals }, { journal, validator, log: brokerLog });
    return new Link(broker, { ...config.intake, queue: config.queue }, intake, brokerLog);
  });

  return {
    async stop(deadline) {
      await Promise.all(links.map((link) => link.stop(deadline)));
      await Promise.all(routes.map((route) => route.stop(deadline)));
      await journal.close();
    },
  };
}

function startRoutes(config: Config, journal: Journal, log: Logger): Promise<Route[]> {
  return Promise.all(
    config.routes.map((route) => {
      const routeLog = log.child({ route: route.name });
      const kind = sinkKind(route.sink.type);
      const openSink = () => kind.open(route.sink.options, { route: route.name, log: routeLog });
      return startRoute({ ...route, flow: kind.flow(route.sink.options) }, { journal, log: routeLog, openSink });
    }),
  );
}
