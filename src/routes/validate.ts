import { reasonOf } from '../common/errors.ts';
import type { OptionIssue, OptionRule } from '../common/options/declare.ts';
import { closestMatch } from '../common/text/did-you-mean.ts';
import { excerptOf } from '../common/text/slips.ts';
import { type EnvelopeKey, envelopeKeys } from '../notification/envelope.ts';
import { createCondition } from './condition.ts';
import type { ShapeOptions } from './reshape.ts';

interface RouteParts {
  readonly where?: string | undefined;
  readonly shape?: ShapeOptions | undefined;
}

/** How the options of a route's condition and shape go together, each of the right form. */
export const routeRules: readonly OptionRule<RouteParts>[] = [
  whereErrors,
  ({ shape }) => (shape === undefined ? [] : shapeErrors(shape)),
];

function whereErrors({ where }: RouteParts): OptionIssue[] {
  if (where === undefined) return [];
  try {
    createCondition(where);
    return [];
  } catch (error) {
    return [{ path: ['where'], message: `can't be used: ${reasonOf(error)}`, ...excerptOf(error) }];
  }
}

function shapeErrors({ pick, omit, set }: ShapeOptions): OptionIssue[] {
  const inList = (name: string, paths: readonly string[]) =>
    paths.flatMap((path, index) => {
      const message = pathError(path) ?? (name === 'omit' && path === 'id' ? idIsRequired : undefined);
      return message === undefined ? [] : [{ path: ['shape', name, index], message }];
    });
  const inSet = Object.keys(set).flatMap((path) => {
    const message = setPathError(path);
    return message === undefined ? [] : [{ path: ['shape', 'set', path], message }];
  });
  return [...inList('pick', pick), ...inList('omit', omit), ...inSet];
}

const idIsRequired = "can't be left out: receivers tell by it what they have already";

/** Why a path leads nowhere in any envelope. */
function pathError(path: string): string | undefined {
  const steps = path.split('.');
  if (steps.includes('')) return 'must be a path such as data.caller_id_number';
  const [first = ''] = steps;
  if (isEnvelopeKey(first)) return undefined;
  const near = closestMatch(first, envelopeKeys);
  return `must begin with a key of the envelope; did you mean ${near ?? `data.${path}`}?`;
}

function setPathError(path: string): string | undefined {
  const steps = path.split('.');
  if (steps.includes('') || steps.includes('*')) return 'must be a path such as data.tenant, without *';
  const [first = ''] = steps;
  if (/^\d+$/.test(first)) return 'must not begin with a number: such a key would come before the id';
  if (!isEnvelopeKey(first) || (first === 'data' && steps.length > 1)) return undefined;
  return "is the envelope's own; set a key below data, or one with another name";
}

/** Whether it is one of the envelope's own keys. */
export function isEnvelopeKey(key: string): boolean {
  return envelopeKeys.some((candidate) => candidate === key);
}

/** @param requiredKeys keys of the envelope that the route's sink can't do without */
export function missingKeyErrors({ shape }: RouteParts, requiredKeys: readonly EnvelopeKey[]): OptionIssue[] {
  if (shape === undefined) return [];
  const { pick, omit } = shape;
  const isKept = (key: string) => pick.length === 0 || pick.some((path) => path === key || path.startsWith(`${key}.`));
  const missing = [...new Set(requiredKeys)].filter((key) => !isKept(key) || omit.includes(key));
  if (missing.length === 0) return [];
  return [{ path: ['shape'], message: `leaves out what this sink needs: ${missing.join(', ')}` }];
}
