import { isMapping } from '../../common/options/value-checks.ts';
import { closestMatch, suggestionFor } from '../../common/text/did-you-mean.ts';
import type { Diagnostic, OptionPath } from '../diagnostics.ts';
import { fromText, type Leaf, leavesIn, nodeAt } from './tree.ts';

/** Values that override those of the files. */
export interface Overrides {
  /** Variables of the environment. Those that begin with KAZOO_RELAY_ set options. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags, in their order: each has the name that messages call it by, such as `--log-level`. */
  readonly flags?: readonly Flag[];
}

export interface Flag {
  readonly source: string;
  readonly path: OptionPath;
  readonly text: string;
}

/** One value that overrides the files. */
export interface Override {
  readonly source: string;
  readonly path: OptionPath;
  readonly value: unknown;
}

const prefix = 'KAZOO_RELAY_';

/** It names the file, and is no option of it. */
const notOptions = new Set(['KAZOO_RELAY_CONFIG']);

/** The environment variable of an option: `routes.crm.retry.maxWait` is KAZOO_RELAY_ROUTES_CRM_RETRY_MAX_WAIT. */
export function variableOf(path: OptionPath): string {
  const words = path.map((key) =>
    String(key)
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/[^A-Za-z0-9]/g, '_'),
  );
  return `${prefix}${words.join('_').toUpperCase()}`;
}

/** What the environment says of the options that this configuration has. */
export function variablesFor(
  value: Record<string, unknown>,
  env: Overrides['env'],
): { overrides: Override[]; warnings: Diagnostic[]; errors: Diagnostic[] } {
  const given = Object.keys(env).filter((name) => name.startsWith(prefix) && !notOptions.has(name));
  if (given.length === 0) return { overrides: [], warnings: [], errors: [] };
  const paths = Map.groupBy(leavesIn(value), ({ path }) => variableOf(path));
  const overrides: Override[] = [];
  const warnings: Diagnostic[] = [];
  const errors: Diagnostic[] = [];
  for (const source of given.sort()) {
    const [leaf, ...others] = paths.get(source) ?? [];
    const text = env[source] ?? '';
    if (leaf === undefined) warnings.push({ source, option: '', message: unknownVariable(source, [...paths.keys()]) });
    else if (others.length > 0) errors.push({ source, option: '', message: ambiguous([leaf, ...others]) });
    else overrides.push({ source, path: leaf.path, value: fromText(text, leaf.node) });
  }
  return { overrides, warnings, errors };
}

/** The value of a flag. */
export function overrideOf({ source, path, text }: Flag, value: Record<string, unknown>): Override {
  return { source, path, value: fromText(text, nodeAt(path, value)) };
}

/** Why a flag would set nothing: what it names isn't in this configuration, and a flag makes no route or broker. */
export function missingFor([first, key]: OptionPath, { brokers, routes }: Record<string, unknown>): string | undefined {
  if (first === 'brokers' && typeof key === 'number' && Array.isArray(brokers) && key >= brokers.length) {
    return `the file has no brokers[${key}]; it has ${brokers.length}, counted from 0`;
  }
  const names = isMapping(routes) ? Object.keys(routes) : [];
  if (first !== 'routes' || key === undefined || names.includes(String(key))) return undefined;
  const others = names.length === 0 ? '' : `it has ${names.join(', ')}`;
  return `the file has no route ${key}${suggestionFor(String(key), names, others)}`;
}

/** `routes.crm.timeout` or `brokers[0].url` as a path; undefined for what can't be one. */
export function pathFrom(text: string): OptionPath | undefined {
  const keys = text.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  if (keys.some((key) => key === '')) return undefined;
  return keys.map((key, index) => (/^\d+$/.test(key) && (index !== 1 || keys[0] === 'brokers') ? Number(key) : key));
}

function unknownVariable(name: string, known: readonly string[]): string {
  // Without what all of them begin with: it would make everything near to everything.
  const near = closestMatch(
    name.slice(prefix.length),
    known.map((other) => other.slice(prefix.length)),
  );
  const hint = near === undefined ? 'docs/reference/configuration.md lists all' : `did you mean ${prefix}${near}?`;
  return `sets no option of this configuration; ${hint}`;
}

function ambiguous(leaves: readonly Leaf[]): string {
  return `could mean ${leaves.map(({ path }) => path.join('.')).join(' or ')}: set it in the file`;
}
