import { fullTime } from '../common/text/times.ts';
import { configText, routeText } from '../config/describe/show.ts';
import { diagnosticText } from '../config/diagnostics.ts';
import { routesInJournal, storeLocation } from '../config/journal-place.ts';
import { storeAt } from '../journal/open.ts';
import type { Summary } from '../journal/reader.ts';
import { commonFields, events, exampleRoutingKey } from '../kazoo/catalogue.ts';
import { relayEvents } from '../kazoo/relay-events.ts';
import type { Endpoints } from '../ops/http-server.ts';
import type { BrokerSnapshot } from '../ops/runtime-snapshot.ts';
import type { DaemonStatus, RouteStatus, Status } from '../ops/status.ts';
import { addPage } from '../page/pages.ts';
import { visitorOf } from '../page/requests.ts';
import type { PageEvent, PageSource, RoutePlace, Trial } from '../page/source.ts';
import { schemaOf } from '../schema/generate.ts';
import { createFateTeller } from './fates.ts';
import { cachedByCost, unlessAway } from './introspect.ts';
import { createRehearsal } from './rehearsal.ts';
import type { Reloader, Running } from './reload.ts';
import { entriesInRange } from './replay.ts';
import { RouteWatch } from './route-watch.ts';

interface Shown {
  readonly status: () => Promise<Status>;
  readonly summary: () => Promise<Summary>;
  readonly lastReload: () => Reloader['report'];
  /** Makes the next of these be read anew. */
  readonly forget: () => void;
}

/** The page of a running daemon, and who may ask for the rest of what its HTTP port answers. */
export function pageOf(running: Running, shown: Shown): Pick<Endpoints, 'mayAsk' | 'addPage'> {
  const { access } = running;
  return {
    async mayAsk(request) {
      if (running.config.http.access.metrics === 'open') return true;
      const { authorization } = request.headers;
      if (authorization !== undefined) return access.isUser(authorization);
      return (await visitorOf(request, access)).visitor !== null;
    },
    addPage: (server) => addPage(server, sourceOf(running, shown), access),
  };
}

function sourceOf(running: Running, { status, summary, lastReload, forget }: Shown): PageSource {
  const { journal, routes } = running;
  /** Of a route by its name in the journal. @param known what the journal knows */
  const configOf = (name: string, known: readonly { readonly name: string }[]) =>
    routesInJournal(
      running.config,
      known.map((one) => one.name),
    ).find((one) => one.name === name);
  const counts = { minute: cachedCounts('minute'), hour: cachedCounts('hour'), day: cachedCounts('day') };
  // Made anew when a reload has brought another configuration.
  let rehearsal: { readonly of: object; readonly rehearse: ReturnType<typeof createRehearsal> } | undefined;
  const rehearse: ReturnType<typeof createRehearsal> = (message) => {
    if (rehearsal?.of !== running.config) rehearsal = { of: running.config, rehearse: createRehearsal(running.config) };
    return rehearsal.rehearse(message);
  };

  function cachedCounts(per: 'minute' | 'hour' | 'day') {
    let since = 0;
    const read = cachedByCost(() => unlessAway(journal, () => journal.counts(per, since)));
    return (from: number) => {
      since = from;
      return read();
    };
  }

  return {
    reader: {
      search: (search) => journal.search(search),
      outages: (since, until) => journal.outages(since, until),
      summary,
    },
    status,
    counts: (per, since) => counts[per](since),
    openStore: () => storeAt(storeLocation(running.config)).openOperatorStore(),
    async fates(store) {
      const known = (await status()).routes.map(({ name }) => name);
      const places = routesInJournal(running.config, known);
      return createFateTeller(store, places, await status(), (at) => fullTime(at, {}));
    },
    async route(name) {
      const { routes: all, daemons } = await status();
      const config = configOf(name, all);
      const route = all.find((one) => one.name === name);
      if (config === undefined || route === undefined) return null;
      const isHere = routes.snapshot.some((one) => one.name === name);
      return { status: route, text: routeText(config), place: isHere ? 'here' : placeOf(route, daemons) };
    },
    events: () => allEvents,
    came: () => cameIn(running.pipelines.snapshot),
    configuration: () => ({
      file: running.files[0] ?? null,
      text: configText(running.loaded, true),
      warnings: running.loaded.warnings.map(diagnosticText),
      lastReload: reloadText(lastReload()),
    }),
    trial(route, routingKey, body): Trial {
      const { entry, routes: all } = rehearse({ body, routingKey });
      const [config] = route.split('@');
      const own = all.find(({ name }) => name === config);
      if (own === undefined) throw new Error('there is no such route');
      const { decision, whyNot, envelope } = own;
      const isKept = typeof decision === 'object';
      return {
        decision: isKept ? 'quarantine' : decision,
        reason: isKept ? decision.quarantine : whyNot,
        problems: entry.problems.map(({ path, message }) => `${path || 'body'} ${message}`),
        envelope: decision === 'deliver' ? envelope() : null,
      };
    },
    async *replayable(store, name, span) {
      const route = configOf(name, (await status()).routes);
      const cursor = await store.cursorOf(name);
      if (route === undefined || cursor === null) return;
      yield* entriesInRange(span, store, route, cursor, new Map());
    },
    probe(route) {
      journal.look();
      forget();
      routes.tryNow(route);
    },
    look() {
      journal.look();
      forget();
    },
    subscribe(listener) {
      const stops = [journal.subscribe(listener), new RouteWatch(() => routes.snapshot, status).start(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** Of a route that doesn't run here. */
function placeOf({ holder }: RouteStatus, daemons: Status['daemons']): RoutePlace {
  if (holder === null) return 'nowhere';
  const configurationOf = (wanted: (daemon: DaemonStatus) => boolean) => daemons.find(wanted)?.configuration;
  const [own, others] = [configurationOf(({ asked }) => asked), configurationOf(({ name }) => name === holder)];
  return { daemon: holder, hasOtherConfiguration: own !== others };
}

const allEvents: readonly PageEvent[] = [...events, ...relayEvents].map((event) => ({
  name: event.name,
  category: event.category,
  description: `${event.title}: ${event.summary}.`,
  fields: [...event.fields, ...commonFields.filter(({ name }) => !event.fields.some((own) => own.name === name))],
  schema: schemaOf(event),
  example: event.example,
  routingKey: exampleRoutingKey(event),
}));

/** By event; what the journal had already doesn't come a second time. */
function cameIn(brokers: readonly BrokerSnapshot[]): Map<string, number> {
  const came = new Map<string, number>();
  for (const { intake } of brokers)
    for (const [event, counts] of intake.byEvent)
      for (const [index, outcome] of intake.outcomes.entries())
        if (outcome !== 'duplicate') came.set(event, (came.get(event) ?? 0) + (counts[index] ?? 0));
  return came;
}

function reloadText(last: Reloader['report']) {
  if (last === null) return null;
  const { reloaded, reason, routes, brokers, applied, needs_restart } = last.report;
  if (!reloaded) return { at: last.at, report: `not reloaded: ${reason}` };
  const lines = [
    ...(['added', 'replaced', 'removed'] as const).flatMap((what) => [
      ...routes[what].map((name) => `route ${name} ${what}`),
      ...brokers[what].map((name) => `broker ${name} ${what}`),
    ]),
    ...applied.map((option) => `${option} applied`),
    ...needs_restart.map((option) => `${option} needs a restart`),
  ];
  return { at: last.at, report: lines.length === 0 ? 'reloaded: nothing has changed' : lines.join('\n') };
}
