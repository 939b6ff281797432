import { resolve } from 'node:path';
import { hostAndPort, isLoopback } from '../../common/net/addresses.ts';
import { loginOf, parametersOf, vhostOf } from '../../common/net/amqp-url.ts';
import { unreplacedVariable } from '../../common/options/value-checks.ts';
import { createTrials, routeDoubts, type Trials } from '../../routes/doubts.ts';
import { sinkDeclaration } from '../../sinks/declarations.ts';
import type { Config, RouteConfig } from '../config.ts';
import type { Issue, OptionPath } from '../diagnostics.ts';
import { formatDuration } from '../formats/amounts.ts';
import type { MergedSources } from '../read/merge-sources.ts';
import { secretsInClearText } from './secrets.ts';
import { KnownEvents, knownZones, namingWarnings, ownFields, selectionWarnings } from './selection-warnings.ts';
import { sharingWarnings } from './sharing.ts';

/**
 * The parts of a configuration that are legal but probably not meant.
 * @param isValid false for parts with an error: neither they nor what depends on them get warnings
 */
export function configWarnings(config: Config, merged: MergedSources, isValid: (path: OptionPath) => boolean): Issue[] {
  const routes = config.routes.filter(({ name }) => isValid(['routes', name]));
  const own = isValid(['validation']) ? ownFields(config) : undefined;
  const trials = own && createTrials(own, routes.length);
  const known = {
    events: own && new KnownEvents(own),
    zones: isValid(['brokers']) ? knownZones(config) : undefined,
  };
  return [
    ...(isValid(['brokers']) ? brokerWarnings(config) : []),
    ...routes.flatMap((route) => [
      ...selectionWarnings(route, known),
      ...routeWarnings(route, known.zones ?? []),
      ...(trials === undefined ? [] : exampleWarnings(route, trials)),
    ]),
    ...(['expect', 'validation'].every((section) => isValid([section])) ? namingWarnings(config, known) : []),
    ...sharedTargets(routes),
    ...(['journal', 'queue'].every((section) => isValid([section])) ? sharingWarnings(config, routes) : []),
    ...(isValid(['http']) ? httpWarnings(config) : []),
    ...(['intake', 'queue', 'log'].every((section) => isValid([section])) ? intakeWarnings(config) : []),
    ...secretsInClearText(merged).filter(({ path }) => isValid(path)),
  ];
}

function brokerWarnings({ brokers }: Config): Issue[] {
  return brokers.flatMap(({ url }, index) => {
    const parsed = new URL(url);
    const variable = unreplacedVariable(url);
    const messages = variable === undefined ? [] : [variable];
    if (parametersOf(parsed).verify === false) {
      messages.push('lets anybody between here and the broker read and answer: it has verify=verify_none');
    }
    if (showsPassword(parsed)) {
      messages.push(
        'is not encrypted: whoever is on the way can read the password (amqps:// hides it, where the broker speaks TLS)',
      );
    }
    const first = brokers.findIndex((other) => addressOf(other.url) === addressOf(url));
    if (first !== index) {
      messages.push(
        `is the broker of brokers[${first}] again: the two would share one queue, and each stamp a part with its zone`,
      );
    }
    return messages.map((message) => ({ path: ['brokers', index, 'url'], message }));
  });
}

/** That of RabbitMQ's own `guest` is no secret. */
function showsPassword(url: URL): boolean {
  const { user, password } = loginOf(url);
  const isSecret = password !== '' && !(user === 'guest' && password === 'guest');
  return url.protocol === 'amqp:' && isSecret && !isLoopback(url.hostname);
}

/** Host, port and virtual host of a broker, without the login. */
function addressOf(url: string): string {
  const parsed = new URL(url);
  const { protocol, hostname, port } = parsed;
  const defaultPort = protocol === 'amqps:' ? '5671' : '5672';
  return `${hostname}:${port || defaultPort} ${vhostOf(parsed)}`;
}

function routeWarnings(route: RouteConfig, knownZones: readonly string[]): Issue[] {
  const { name, start, retry, sink, timeout, reveal, order } = route;
  const zones = knownZones.filter((zone) => route.zones.length === 0 || route.zones.includes(zone));
  const found: Issue[] = [];
  const warn = (path: OptionPath, message: string) => void found.push({ path: ['routes', name, ...path], message });
  if (typeof start === 'number' && start > Date.now()) {
    warn(['start'], 'lies in the future: the route takes nothing that comes in before');
  }
  if (retry.schedule.length === 0) warn(['retry', 'schedule'], 'is empty: what fails once is a dead letter at once');
  const ofSink = sinkDeclaration(sink.type).warnings?.(sink.options, { timeout, zones, reveal, order }) ?? [];
  for (const { path, message } of ofSink) warn(['sink', ...path], message);
  return found;
}

/** What is made of the examples of the events that the route selects. */
function exampleWarnings(route: RouteConfig, trials: Trials): Issue[] {
  const { type, options } = route.sink;
  const { paths, rehearse } = sinkDeclaration(type);
  const reads = { paths: paths?.(options) ?? [], rehearse: rehearse?.(options) };
  return routeDoubts(route, reads, trials).map((issue) => ({ ...issue, path: ['routes', route.name, ...issue.path] }));
}

/** Two writers of one file would mix their lines, and each rotate it under the other's hands. */
function sharedTargets(routes: readonly RouteConfig[]): Issue[] {
  const owners = new Map<string, string>();
  return routes.flatMap(({ name, sink }) => {
    const file = sinkDeclaration(sink.type).file?.(sink.options);
    if (file === undefined) return [];
    const target = resolve(file);
    const owner = owners.get(target);
    if (owner === undefined) owners.set(target, name);
    const message = `is the file of the route ${owner} too: give each a file of its own, or make one route of them`;
    return owner === undefined ? [] : [{ path: ['routes', name, 'sink', 'path'], message }];
  });
}

function httpWarnings({ http: { listen } }: Config): Issue[] {
  if (listen === 'off' || listen.startsWith('/') || isLoopback(hostAndPort(listen).host)) return [];
  const message =
    'lets other machines ask too: whoever reaches it sees states and counts, and passwords come in without TLS; a firewall should let ' +
    'in none but your monitoring and your reverse proxy';
  return [{ path: ['http', 'listen'], message }];
}

/** Milliseconds; shorter outages than this happen at every update. */
const shortestExpiry = 5 * 60_000;

function intakeWarnings({ intake, queue, log }: Config): Issue[] {
  const found: Issue[] = [];
  const warn = (path: OptionPath, message: string) => void found.push({ path, message });
  if (intake.batch.max > intake.prefetch) {
    warn(['intake', 'batch', 'max'], `is never reached: intake.prefetch lets ${intake.prefetch} messages come ahead`);
  }
  if (intake.watch.stalledAfter < intake.watch.interval) {
    warn(
      ['intake', 'watch', 'stalledAfter'],
      'is shorter than intake.watch.interval, which is how often it is looked at',
    );
  }
  if (queue.expires < shortestExpiry) {
    const absence = formatDuration(queue.expires);
    warn(['queue', 'expires'], `lets the broker delete what waits for us after ${absence} of our absence`);
  }
  if (log.level === 'silent') warn(['log', 'level'], 'lets nobody know what goes wrong');
  return found;
}
