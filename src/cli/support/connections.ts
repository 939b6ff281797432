import pino from 'pino';
import { testBrokerConnection } from '../../broker/connection-test.ts';
import { within } from '../../common/async/deadlines.ts';
import { reasonOf } from '../../common/errors.ts';
import type { Config } from '../../config/config.ts';
import { storeAt } from '../../journal/open.ts';
import { sinkKind } from '../../sinks/registry.ts';

/** How a try went. */
export interface Tried {
  /** `broker west 10.0.0.11:5672`, `route crm (webhook)`. */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, or what is in the way. */
  readonly found: string;
}

/** Milliseconds; brokers and sinks have their own time-outs, most of them shorter. */
const longest = 30_000;

/**
 * Tries the journal's folder, every broker and every sink of a configuration, all at once. Nothing is changed by it.
 */
export function connections({ journal, brokers, routes, intake, queue }: Config): Promise<Tried[]> {
  const context = { log: pino({ level: 'silent' }), maxBodySize: intake.maxBodySize };
  return Promise.all([
    attempt(`journal ${journal.path}`, () => storeAt(journal).testAccess()),
    ...brokers.map((broker) =>
      attempt(`broker ${broker.zone} ${new URL(broker.url).host}`, () =>
        testBrokerConnection(broker, { ...intake, queue }),
      ),
    ),
    ...routes.map(({ name, sink }) =>
      attempt(`route ${name} (${sink.type})`, () =>
        sinkKind(sink.type).connectionTest(sink.options, { ...context, route: name }),
      ),
    ),
  ]);
}

async function attempt(name: string, work: () => Promise<string>): Promise<Tried> {
  try {
    return { name, ok: true, found: await within(longest, name, work()) };
  } catch (error) {
    return { name, ok: false, found: reasonOf(error) };
  }
}
