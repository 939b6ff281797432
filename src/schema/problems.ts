import type { DefinedError, ErrorObject } from 'ajv/dist/2020.js';
import type { Problem } from '../notification/notification.ts';
import { digitsOfLarge } from './generate.ts';

/** How many problems of one notification are kept. */
const maxProblems = 20;

/**
 * What ajv found, one problem for each thing that is wrong and counts, at most `maxProblems`. Never quotes the
 * notification's values.
 */
export function problemsOf(
  errors: readonly ErrorObject[],
  isCounted: (problem: Problem) => boolean = () => true,
): Problem[] {
  const examined = withoutImplied(errors.slice(0, maxErrors));
  const unions = examined.filter(isUnion);
  return examined
    .values()
    .filter((error) => !unions.some((union) => isBranchOf(error, union)))
    .map((error) => problemOf(error, examined))
    .filter(isCounted)
    .take(maxProblems)
    .toArray();
}

/** How many of ajv's errors are looked at: one wrong value in a union makes several. */
const maxErrors = 500;

/** What isn't one of certain values needs no word of its type, which their schema has for generators of code. */
function withoutImplied(errors: readonly ErrorObject[]): ErrorObject[] {
  const exact = new Set(errors.filter(({ keyword }) => keyword === 'const' || keyword === 'enum').map(placeOf));
  return exact.size === 0
    ? [...errors]
    : errors.filter((error) => error.keyword !== 'type' || !exact.has(placeOf(error)));
}

/** Where the value stands, and the schema that it doesn't fit. */
function placeOf({ instancePath, schemaPath }: ErrorObject): string {
  return `${instancePath} ${schemaPath.slice(0, schemaPath.lastIndexOf('/'))}`;
}

function isUnion({ keyword }: ErrorObject): boolean {
  return keyword === 'anyOf' || keyword === 'oneOf';
}

/** True for an error inside one of the alternatives that `union` says none of fits. */
function isBranchOf(error: ErrorObject, union: ErrorObject): boolean {
  return (
    error.schemaPath.startsWith(`${union.schemaPath}/`) &&
    `${error.instancePath}/`.startsWith(`${union.instancePath}/`) &&
    error !== union
  );
}

function problemOf(error: ErrorObject, all: readonly ErrorObject[]): Problem {
  const { path, message, keyword } = isUnion(error)
    ? { path: error.instancePath, ...expectationOf(error, all) }
    : { keyword: error.keyword, ...describe(error as DefinedError) }; // ajv makes no others unless it is taught keywords of one's own
  return { path: cut(path), message: cut(message), keyword };
}

function describe(error: DefinedError): { path: string; message: string } {
  const path = error.instancePath;
  switch (error.keyword) {
    case 'required':
      return { path: below(path, error.params.missingProperty), message: 'is required' };
    case 'dependentRequired': {
      const { missingProperty, property } = error.params;
      return { path: below(path, missingProperty), message: `is required when ${property} is there` };
    }
    case 'additionalProperties':
      return { path: below(path, error.params.additionalProperty), message: 'is not allowed' };
    case 'unevaluatedProperties':
      return { path: below(path, error.params.unevaluatedProperty), message: 'is not allowed' };
    case 'false schema':
      return { path, message: 'is not allowed' };
    case 'type':
      return { path, message: `must be ${[error.params.type].flat().join(' or ')}` };
    case 'const':
      return { path, message: `must be ${JSON.stringify(error.params.allowedValue)}` };
    case 'enum':
      return { path, message: `must be ${oneOf(error.params.allowedValues)}` };
    default:
      return { path, message: error.message ?? 'does not fit the schema' };
  }
}

function oneOf(values: readonly unknown[]): string {
  const list = values.map((value) => JSON.stringify(value)).join(', ');
  return values.length === 1 ? list : `one of ${list}`;
}

/** What the alternatives want of the value itself; ajv's own words where they only disagree about its parts. */
function expectationOf(union: ErrorObject, all: readonly ErrorObject[]): { message: string; keyword: string } {
  const own = (all as readonly DefinedError[]) // as above
    .filter((error) => isBranchOf(error, union) && !isUnion(error) && error.instancePath === union.instancePath)
    .filter((error) => describe(error).path === union.instancePath);
  // That an integer may be digits too is our way of writing a large one, and nothing that KAZOO could mend.
  const expected = own.filter((error) => error.keyword !== 'pattern' || !digitsOfLarge.has(error.params.pattern));
  const messages = [...new Set(expected.map((error) => describe(error).message))];
  if (messages.length === 0)
    return { message: union.message ?? 'must fit one of the alternatives', keyword: union.keyword };
  const isPlain = expected.length < own.length && expected.every(({ keyword }) => keyword === expected[0]?.keyword);
  return { message: messages.join(' or '), keyword: isPlain ? (expected[0]?.keyword ?? union.keyword) : union.keyword };
}

function below(path: string, key: string): string {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** A cut may fall inside a surrogate pair, which no database would take. */
function cut(text: string): string {
  return text.length > maxLength ? text.slice(0, maxLength).toWellFormed() : text;
}

const maxLength = 256;
