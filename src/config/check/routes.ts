import type { OptionIssue } from '../../common/options/declare.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { suggestionFor } from '../../common/text/did-you-mean.ts';
import { routeErrors } from '../../routes/validate.ts';
import { sinkDeclarations } from '../../sinks/declarations.ts';
import type { RouteConfig } from '../config.ts';
import type { Issue, OptionPath } from '../diagnostics.ts';
import { routeOptions } from '../options.ts';
import { sinkOptionsOf } from '../read/tree.ts';
import { check } from './check.ts';

/** What a route may be called. */
export const routeName = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** How much of the routes is wanted: all, all but their sinks, or which ones there are, with the kinds of their sinks. */
export type Scope = 'all' | 'selections' | 'names';

export function checkRoutes(routes: unknown, errors: Issue[], scope: Scope = 'all'): RouteConfig[] {
  if (!isMapping(routes) || Object.keys(routes).length === 0) {
    errors.push({ path: ['routes'], message: 'must be a mapping of at least one name to a route, each with a sink' });
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
    if (scope === 'names') return { name, sink: { type } } as unknown as RouteConfig; // as that is all that is wanted
    const misplaced = misplacedKeys(rest, sink);
    errors.push(
      ...misplaced.map((key) => ({ path: [...path, key], message: 'is an option of the sink: it belongs below sink' })),
    );
    const before = errors.length;
    // As above: routeOptions describe a RouteConfig without its name and sink.
    const checked = check(rest, routeOptions, path, errors, ['sink', ...misplaced]) as unknown as Omit<
      RouteConfig,
      'name' | 'sink' | 'start'
    > & { readonly start: string };
    const isValid = errors.length === before;
    const checkedSink =
      scope === 'all' ? checkSink(sink, [...path, 'sink'], isMapping(route) ? errors : []) : { type, options: {} };
    // What its sink needs is known only where each option is valid by itself.
    const kind = scope === 'all' && errors.length === before ? kindOf(sink) : undefined;
    if (isValid)
      errors.push(...withPrefix(path, routeErrors(checked, kind?.requiredKeys?.(checkedSink.options) ?? [])));
    return { ...checked, name, start: startOf(checked.start), sink: checkedSink };
  });
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
    if (type === undefined) errors.push({ path, message: `must be a mapping with a type: ${types}` });
    else {
      const hint = suggestionFor(
        String(type),
        sinkDeclarations.map((candidate) => candidate.type),
      );
      errors.push({
        path: [...path, 'type'],
        message: `must be one of ${types}${hint}`,
        value: JSON.stringify(type),
      });
    }
    return { type: '', options: {} };
  }
  const found: Issue[] = [];
  const misplaced = Object.keys(options).filter(
    (key) => Object.hasOwn(routeOptions, key) && !Object.hasOwn(kind.options, key),
  );
  found.push(
    ...misplaced.map((key) => ({ path: [...path, key], message: 'is an option of the route: it belongs beside sink' })),
  );
  const checked = check(options, kind.options, path, found, ['type', ...misplaced]);
  // How options go together is checked only where each is valid by itself.
  if (found.length === 0) found.push(...withPrefix(path, kind.check?.(checked) ?? []));
  errors.push(...found);
  return { type: kind.type, options: checked };
}

function kindOf(sink: unknown) {
  return isMapping(sink) ? sinkDeclarations.find(({ type }) => type === sink.type) : undefined;
}

function withPrefix(path: OptionPath, errors: readonly OptionIssue[]): Issue[] {
  return errors.map((mistake) => ({ ...mistake, path: [...path, ...mistake.path] }));
}
