import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import pino from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { printable } from '../../common/text/format.ts';
import type { Config } from '../../config/config.ts';
import { storeLocation } from '../../config/journal-place.ts';
import { loadConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import type { ActSelection } from '../../journal/operator-store.ts';
import { noLimits } from '../../kazoo/body.ts';
import { exampleRoutingKey } from '../../kazoo/catalogue.ts';
import { decode } from '../../kazoo/decode.ts';
import type { EventDefinition } from '../../kazoo/event.ts';
import { redact } from '../../kazoo/redact.ts';
import { Entry } from '../../notification/entry.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { Header } from '../../notification/header.ts';
import { createExplainer } from '../../routes/match.ts';
import { createReshape } from '../../routes/reshape.ts';
import { shape } from '../../routes/shape.ts';
import { sinkKind } from '../../sinks/registry.ts';
import { type ProbeReport, type Sink, SinkUnavailable } from '../../sinks/sink.ts';
import { exampleBody } from '../support/example.ts';
import { operatorOf, withOpen } from '../support/journal.ts';
import { findEvent, findRoute } from '../support/lookup.ts';
import type { Terminal } from '../support/terminal.ts';
import { orExit } from '../support/terminal.ts';

interface Options {
  readonly event: string;
  readonly config?: string;
}

export function probeCommand(terminal: Terminal): Command {
  return new Command('probe')
    .description("send one example notification through a route's sink, and show request and response")
    .argument('<route>', 'name of the route, as in the configuration')
    .option('-e, --event <event>', 'event to send an example of', 'low_balance')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((route: string, options: Options) => orExit(terminal, codeOf, () => probe(terminal, route, options)));
}

const help = `
It goes to the real receiver, marked as a test: its zone and node are "kazoo-relay-probe", its msg_id begins with that, and a
webhook's request has the header X-Kazoo-Relay-Probe. Secrets are masked. No daemon is needed. It stands in the audit.

Exit code: 0 delivered, 1 not delivered, 2 wrong options, or a configuration that can't be read.

Examples:
  kazoo-relay probe crm
  kazoo-relay probe crm --event voicemail_new`;

function codeOf(error: unknown): number {
  return error instanceof SinkUnavailable ? 1 : 2;
}

/** Milliseconds; a sink has its own time-outs. */
const longest = 120_000;
const mark = 'kazoo-relay-probe';

async function probe(terminal: Terminal, name: string, { event, config }: Options): Promise<void> {
  const loaded = loadConfig(findConfigFile(config, terminal.env), terminal);
  const route = findRoute(name, loaded.routes);
  const entry = exampleEntry(findEvent(event));
  // The example's zone and account are nobody's.
  const reason = createExplainer({ ...route, zones: [], accounts: [] })(entry);
  if (reason !== null) {
    const why = `The route wouldn't take this ${event}: ${reason}. It is sent all the same.`;
    await terminal.say(terminal.paint('dim', printable(why)));
  }
  await note(terminal, loaded, { route: name, event });
  const log = pino({ level: 'warn', base: null }, pino.destination({ dest: 2, sync: true }));
  const sink = await (await sinkKind(route.sink.type)).open(route.sink.options, { route: name, log, isGuest: true });
  try {
    const started = performance.now();
    const report = await reportOf(sink, shape(entry, [], createReshape(route.shape)), AbortSignal.timeout(longest));
    await show(terminal, report, performance.now() - started);
    if (report.outcome.status !== 'delivered') terminal.exitCode = 1;
  } finally {
    await sink.close();
  }
}

/** It goes to the real receiver, and stands in the audit; where that can't be written, it is sent all the same. */
async function note(terminal: Terminal, config: Config, selection: ActSelection): Promise<void> {
  try {
    await withOpen(storeAt(storeLocation(config)).openOperatorStore(), (store) =>
      store.act(operatorOf(terminal.env), selection).probed(1),
    );
  } catch (error) {
    terminal.complain(printable(`this is not in the audit: ${reasonOf(error)}`));
  }
}

/** What the journal would hold of an example, had it come from a broker now. */
function exampleEntry(event: EventDefinition): Entry {
  const now = Date.now();
  const body = { ...exampleBody(event, now, []), 'Msg-ID': `${mark}-${randomUUID()}`, Node: mark };
  const message = {
    body: Buffer.from(JSON.stringify(body)),
    routingKey: exampleRoutingKey(event),
    contentEncoding: undefined,
    timestamp: undefined,
    zone: mark,
    receivedAt: now,
  };
  const notification = redact(decode(message, noLimits), () => []);
  // From a broker, one of the daemon's own would be taken for an unknown event.
  const header = new Header({ ...notification.header, event: event.name, known: true, category: event.category });
  return new Entry(0, null, { ...notification, header });
}

async function reportOf(sink: Sink, delivery: Delivery, signal: AbortSignal): Promise<ProbeReport> {
  if (sink.probe !== undefined) return sink.probe(delivery, signal);
  const [outcome] = await sink.deliver([delivery], signal);
  if (outcome === undefined) throw new Error('the sink gave no outcome');
  return { request: null, answer: null, outcome };
}

async function show(
  terminal: Terminal,
  { request, answer, outcome }: ProbeReport,
  milliseconds: number,
): Promise<void> {
  for (const [title, text] of [
    ['request', request],
    ['answer', answer],
  ] as const) {
    if (text === null) continue;
    await terminal.print(terminal.paint('bold', title));
    for (const line of text.split('\n')) await terminal.say(`  ${printable(line)}`.trimEnd(), 4);
  }
  const time = `after ${Math.round(milliseconds)} ms`;
  if (outcome.status === 'delivered') await terminal.print(`${terminal.paint('green', 'delivered')} ${time}`);
  else {
    const next = outcome.status === 'retry' ? 'a route would try again' : 'a route would make it a dead letter';
    await terminal.say(`${terminal.paint('red', 'not delivered')}, ${time}; ${next}: ${printable(outcome.reason)}`);
  }
}
