import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { findSlip } from '../common/text/slips.ts';
import type { Entry } from '../notification/entry.ts';
import { envelopeKeys, envelopeOf } from '../notification/envelope.ts';
import { headerKeys } from '../notification/header.ts';
import { type Budget, bound, tooMuch } from './bounds.ts';
import { ConditionError, cel, celMessage, conditionErrorAt, orConditionError } from './cel.ts';
import { conditionSlips, hideTexts } from './condition-slips.ts';

/** Whether an entry fulfils it; or why that can't be told, such as a field that it doesn't have. */
export type Condition = (entry: Entry) => boolean | Failure;

interface Failure {
  readonly failed: string;
}

/**
 * Compiles an expression of CEL, the Common Expression Language, over the envelope: its keys are the variables.
 *
 * What it costs is bounded by the expression, whatever a body holds. All that CEL does takes time in proportion to what
 * it looks at, but for three things: regular expressions are RE2's, which never go back; macros that go through a list
 * or a mapping (`exists`, `all`, `map`, …), also within each other, and `join`, which puts a text between any two of a
 * list, have a budget for each evaluation.
 * @throws ConditionError that names the place in the expression
 */
export function createCondition(text: string): Condition {
  const { evaluate, budget } = explained(text, () => compile(text));
  return (entry) => {
    budget.renew(entry.json.length);
    let value: unknown;
    try {
      value = evaluate(variablesOf(entry));
    } catch (error) {
      return { failed: budget.isSpent ? tooMuch : celMessage(error) };
    }
    // An error within exists() or all() may have been outvoted; what was not looked at can't be.
    if (budget.isSpent) return { failed: tooMuch };
    return typeof value === 'boolean' ? value : { failed: 'it gives neither true nor false' };
  };
}

/** The same, or its error in the words of what was written, where that is known. */
function explained<T>(text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const slip = findSlip(text, conditionSlips, progressOf, hideTexts);
    if (slip === undefined) throw error;
    throw conditionErrorAt(text, slip.offset, slip.message, 'syntax', slip.excerpt);
  }
}

function progressOf(text: string): number {
  try {
    compile(text);
    return Number.POSITIVE_INFINITY;
  } catch (error) {
    return error instanceof ConditionError ? error.reached : Number.NEGATIVE_INFINITY;
  }
}

/** cel-js tells mappings by their constructor, which a body may name a key after: then it gets them as Maps. */
function variablesOf(entry: Entry): object {
  const envelope = envelopeOf(entry);
  return entry.json.includes('"constructor"') ? { ...envelope, data: withMaps(envelope.data) } : envelope;
}

function withMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMaps);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, member]) => [key, withMaps(member)]));
}

interface Compiled {
  readonly evaluate: (variables: object) => unknown;
  readonly budget: Budget;
}

function compile(text: string): Compiled {
  const parsed = orConditionError(text, () => checking().parse(text));
  const { valid, type, error } = parsed.check();
  if (!valid) throw conditionErrorAt(text, error?.range?.start, celMessage(error));
  if (type !== 'bool' && type !== 'dyn')
    throw conditionErrorAt(text, 0, `it gives a value of the type ${type}, not true or false: compare it`);

  const bounded = bound(parsed.ast, text);
  return { evaluate: bounded.addFunctions(evaluating()).parse(bounded.text), budget: bounded.budget };
}

/** How an expression that can be used is built. */
export function conditionAst(text: string): ASTNode {
  return checking().parse(text).ast;
}

const limits = { maxAstNodes: 1_000, maxDepth: 100 };

/** Judges expressions: by types, where the envelope has them. */
function checking(): Environment {
  const empty = new (cel().Environment)({ limits });
  return [...headerKeys, 'resend_of']
    .reduce((environment, key) => environment.registerVariable(key, 'string'), empty)
    .registerVariable('valid', 'bool')
    .registerVariable('problems', 'list<map<string, string>>')
    .registerVariable('data', 'map<string, dyn>')
    .registerOperator('string == null', (one: unknown, other: unknown) => one === other);
}

/** Knows no types: a key that is null isn't a string. */
function evaluating(): Environment {
  return envelopeKeys.reduce(
    (environment, name) => environment.registerVariable(name, 'dyn'),
    new (cel().Environment)({ limits: { ...limits, maxAstNodes: 3 * limits.maxAstNodes } }),
  );
}
