import { isDeepStrictEqual } from 'node:util';
import type { OptionIssue, OptionRule } from '../../common/options/declare.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { suggestionFor } from '../../common/text/did-you-mean.ts';
import { missingKeyErrors, routeRules } from '../../routes/validate.ts';
import { sinkDeclarations } from '../../sinks/declarations.ts';
import type { RouteConfig } from '../config.ts';
import type { Issue, OptionPath } from '../diagnostics.ts';
import { routeOptions } from '../options.ts';
import { sinkOptionsOf } from '../read/tree.ts';
import { check, entrySlip } from './check.ts';
import { brokenRules } from './rules.ts';

/** The allowed names of a route. */
export const routeName = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** How much of the routes is wanted: all, all but their sinks, or which ones there are, with the kinds of their sinks. */
export type Scope = 'all' | 'selections' | 'names';

export function checkRoutes(routes: unknown, errors: Issue[], scope: Scope = 'all'): RouteConfig[] {
  if (!isMapping(routes) || Object.keys(routes).length === 0) {
    const message = Array.isArray(routes)
      ? `is a mapping: write ${nameIn(routes) ?? 'crm'}:, not - name: ${nameIn(routes) ?? 'crm'}`
      : 'must be a mapping of at least one name to a route, each with a sink';
    errors.push({ path: ['routes'], message });
    return [];
  }
  return Object.entries(routes).map(([name, route]) => {
    const path = ['routes', name];
    if (!routeName.test(name)) {
      errors.push({ path, message: 'must have a name of lower case letters, digits, - and _, 63 at most' });
    }
    if (!isMapping(route)) errors.push({ path, message: 'must be a mapping with at least a sink' });
    const { sink, ...rest } = isMapping(route) ? route : { sink: undefined };
    const type = kindOf(sink)?.type ?? '';
    if (scope === 'names')
      // As that is all that is wanted. Whatever else it may be, it is told of elsewhere.
      return { name, every: String(rest.every) === 'true', sink: { type } } as unknown as RouteConfig;
    const misplaced = misplacedKeys(rest, sink);
    errors.push(
      ...misplaced.map((key) => ({ path: [...path, key], message: 'is an option of the sink: it belongs below sink' })),
    );
    // As above: routeOptions describe a RouteConfig without its name and sink.
    const wrong: Issue[] = [];
    const checked = check(rest, routeOptions, path, wrong, ['sink', ...misplaced]) as unknown as Omit<
      RouteConfig,
      'name' | 'sink' | 'start'
    > & { readonly start: string };
    const checkedSink =
      scope === 'all' ? checkSink(sink, [...path, 'sink'], isMapping(route) ? wrong : []) : { type, options: {} };
    const whole = { ...checked, sink: checkedSink.options };
    const kind = scope === 'all' ? kindOf(sink) : undefined;
    const needed = (parts: typeof whole) => missingKeyErrors(parts, kind?.requiredKeys?.(parts.sink) ?? []);
    const digestible = (parts: typeof whole) =>
      kind === undefined ? [] : digestErrors(parts, kind.digests?.(parts.sink) ?? false);
    // An option that stands on the route by mistake isn't missing.
    const isElsewhere = ({ path: at }: Issue) => misplaced.some((key) => isDeepStrictEqual(at, [...path, 'sink', key]));
    errors.push(
      ...wrong.filter((issue) => !isElsewhere(issue)),
      ...withPrefix(path, brokenRules([...routeRules, needed, digestible], whole, wrong, path)),
    );
    return { ...checked, name, start: startOf(checked.start), sink: checkedSink };
  });
}

/** @param isPossible whether the sink can deliver several notifications as one message */
function digestErrors({ digest, order }: Pick<RouteConfig, 'digest' | 'order'>, isPossible: boolean): OptionIssue[] {
  if (digest === undefined) return [];
  const kinds = sinkDeclarations.filter(({ digests }) => digests !== undefined).map(({ type }) => type);
  const path = ['digest'];
  const message =
    `is for sinks that can deliver several notifications as one message: ${kinds.join(', ')}; ` +
    'a webhook needs preset, and a url without placeholders';
  return [
    ...(isPossible ? [] : [{ path, message }]),
    ...(order === 'none' ? [] : [{ path: ['order'], message: 'must be none with digest: one message tells of all' }]),
  ];
}

/** The first name in a list of routes. */
function nameIn([first]: readonly unknown[]): string | undefined {
  const name = isMapping(first) ? first.name : undefined;
  return typeof name === 'string' && routeName.test(name) ? name : undefined;
}

/** Options of the sink that stand on its route. */
function misplacedKeys(route: Record<string, unknown>, sink: unknown): string[] {
  const options = sinkOptionsOf({ sink });
  return Object.keys(route).filter((key) => Object.hasOwn(options, key) && !Object.hasOwn(routeOptions, key));
}

/** A time as Unix milliseconds. */
function startOf(start: string): RouteConfig['start'] {
  return start === 'now' || start === 'earliest' ? start : Date.parse(start);
}

function checkSink(sink: unknown, path: OptionPath, errors: Issue[]): RouteConfig['sink'] {
  const types = sinkDeclarations.map(({ type }) => type).join(', ');
  const { type, ...options } = isMapping(sink) ? sink : { type: undefined };
  const kind = kindOf(sink);
  if (kind === undefined) {
    if (type === undefined) errors.push({ path, message: `must be a mapping with a type: ${types}${typeHint(sink)}` });
    else {
      const names = sinkDeclarations.map((candidate) => candidate.type);
      const message = sinkByOtherName(String(type)) ?? `must be one of ${types}${suggestionFor(String(type), names)}`;
      errors.push({ path: [...path, 'type'], message, value: JSON.stringify(type) });
    }
    return { type: '', options: {} };
  }
  const misplaced = Object.keys(options).filter(
    (key) => Object.hasOwn(routeOptions, key) && !Object.hasOwn(kind.options, key),
  );
  const message = 'is an option of the route: it belongs beside sink';
  const found: Issue[] = misplaced.map((key) => ({ path: [...path, key], message }));
  const checked = check(options, kind.options, path, found, ['type', ...misplaced]);
  // The rules of a kind are about its own options.
  const broken = brokenRules((kind.rules ?? []) as readonly OptionRule<object>[], checked, found, path);
  errors.push(...found, ...withPrefix(path, broken));
  return { type: kind.type, options: checked };
}

/** Other names that people use for a kind of sink. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  webhook: ['HTTP', 'HTTPS', 'REST', 'API', 'hook', 'webhooks', 'Slack', 'Teams', 'POST', 'URL'],
  database: ['PostgreSQL', 'Postgres', 'MySQL', 'MariaDB', 'SQLite', 'SQL', 'DB'],
  log: ['stdout', 'console', 'journald', 'syslog', 'print', 'logger'],
  email: ['mail', 'e-mail', 'SMTP', 'sendmail'],
  s3: ['AWS', 'MinIO', 'bucket', 'R2', 'Ceph', 'ObjectStorage'],
  file: ['JSON', 'NDJSON', 'JSONL', 'CSV', 'text', 'disk', 'logfile'],
};

function sinkByOtherName(written: string): string | undefined {
  for (const [type, names] of Object.entries(otherNames)) {
    const name = names.find((candidate) => candidate.toLowerCase() === written.toLowerCase());
    if (name !== undefined) return `must be ${type}: ${name} is the sink ${type}`;
  }
  return undefined;
}

/** The hint for a sink that is only a type, or whose options show its type. */
function typeHint(sink: unknown): string {
  if (typeof sink === 'string') {
    const kind = sinkDeclarations.find(({ type }) => type === sink);
    return kind === undefined ? entrySlip(sink, ['type']) : `; write { type: ${kind.type} }`;
  }
  if (!isMapping(sink)) return '';
  if (Object.keys(sink).some((key) => key.startsWith('type:'))) return entrySlip('type:…', ['type']);
  const { url } = sink;
  if (typeof url !== 'string') return '';
  const [type = 'database'] = Object.entries(urlsOf).find(([, form]) => form.test(url)) ?? [];
  return `; with such a url, type: ${type}`;
}

/** By which a kind of sink is known; any other url is a database's. */
const urlsOf: Readonly<Record<string, RegExp>> = {
  webhook: /^https?:/i,
  email: /^smtps?:/i,
  amqp: /^amqps?:/i,
  syslog: /^(tcp|tls|udp|unix):/i,
};

function kindOf(sink: unknown) {
  return isMapping(sink) ? sinkDeclarations.find(({ type }) => type === sink.type) : undefined;
}

function withPrefix(path: OptionPath, errors: readonly OptionIssue[]): Issue[] {
  return errors.map((mistake) => ({ ...mistake, path: [...path, ...mistake.path] }));
}
