import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import { reasonOf } from '../common/errors.ts';
import { compileRe2 } from '../common/text/re2.ts';
import type { Entry } from '../journal/entry.ts';
import { cel } from './cel.ts';
import { envelopeOf } from './envelope.ts';

/** Whether an entry fulfils it; or why that can't be told, such as a field that it doesn't have. */
export type Condition = (entry: Entry) => boolean | Failure;

interface Failure {
  readonly failed: string;
}

/** An expression that can't be used. */
class ConditionError extends Error {
  override readonly name = 'ConditionError';
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
  const { evaluate, budget } = compile(text);
  return (entry) => {
    budget.renew(entry.json.length);
    let value: unknown;
    try {
      value = evaluate(variablesOf(entry));
    } catch (error) {
      return { failed: budget.isSpent ? tooMuch : storyOf(error) };
    }
    // An error within exists() or all() may have been outvoted; what was not looked at can't be.
    if (budget.isSpent) return { failed: tooMuch };
    return typeof value === 'boolean' ? value : { failed: 'it gives neither true nor false' };
  };
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

const tooMuch = 'it goes through too much of this notification';

interface Compiled {
  readonly evaluate: (variables: object) => unknown;
  readonly budget: Budget;
}

function compile(text: string): Compiled {
  const parsed = orMistake(text, () => checking().parse(text));
  const { valid, type, error } = parsed.check();
  if (!valid) throw mistakeAt(text, error?.range?.start, storyOf(error));
  if (type !== 'bool' && type !== 'dyn')
    throw mistakeAt(text, 0, `it gives a value of the type ${type}, not true or false`);

  const budget = new Budget();
  const patterns: RE2JS[] = [];
  const bounded = replaceIn(text, boundsIn(parsed.ast, text, patterns));
  const environment = evaluating()
    .registerFunction('charge(dyn): dyn', (range: unknown) => {
      budget.takeSteps(sizeOf(range));
      return range;
    })
    .registerFunction(`string.${matchesPattern}(int): bool`, (subject: string, index: bigint) => {
      const pattern = patterns[Number(index)];
      budget.take(subject.length * costOfCharacter * (pattern?.programSize() ?? 0));
      return pattern?.test(subject) ?? false;
    })
    .registerFunction(`list.${boundedJoin}(): string`, (list: unknown[]) => join(list, '', budget))
    .registerFunction(`list.${boundedJoin}(string): string`, (list: unknown[], separator: string) =>
      join(list, separator, budget),
    );
  return { evaluate: environment.parse(bounded), budget };
}

const limits = { maxAstNodes: 1_000, maxDepth: 100 };

const texts = ['id', 'zone', 'occurred_at', 'received_at', 'routing_key'];
const textsOrNull = ['event', 'category', 'account_id', 'node', 'resend_of'];

/** Judges expressions: by types, where the envelope has them. */
function checking(): Environment {
  const empty = new (cel().Environment)({ limits });
  return [...texts, ...textsOrNull]
    .reduce((environment, name) => environment.registerVariable(name, 'string'), empty)
    .registerVariable('valid', 'bool')
    .registerVariable('problems', 'list<map<string, string>>')
    .registerVariable('data', 'map<string, dyn>')
    .registerOperator('string == null', (one: unknown, other: unknown) => one === other);
}

/** Knows no types: a key that is null isn't a string. */
function evaluating(): Environment {
  return [...texts, ...textsOrNull, 'valid', 'problems', 'data'].reduce(
    (environment, name) => environment.registerVariable(name, 'dyn'),
    new (cel().Environment)({ limits: { ...limits, maxAstNodes: 3 * limits.maxAstNodes } }),
  );
}

/** A piece of the expression's text, and what stands there instead. */
interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const macros = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const matchesPattern = 'matches_pattern';
const boundedJoin = 'bounded_join';

/**
 * What makes an expression bounded: ranges of macros and what `join` makes are charged for, and patterns are RE2's, made
 * ready in `patterns`.
 */
function boundsIn(node: ASTNode, text: string, patterns: RE2JS[]): Replacement[] {
  const within = partsOf(node).flatMap((part) => boundsIn(part, text, patterns));
  if (node.op !== 'rcall') return within;
  const [name, receiver, args] = node.args;
  if (macros.has(name)) {
    const { start, end } = receiver;
    return [{ start, end: start, text: 'charge(' }, ...within, { start: end, end, text: ')' }];
  }
  const start = placeOfName(text, receiver);
  if (name === 'join') return [...within, { start, end: start + name.length, text: boundedJoin }];
  const [pattern] = args;
  if (name !== 'matches' || pattern === undefined) return within;
  if (pattern.op !== 'value' || typeof pattern.args !== 'string')
    throw mistakeAt(text, pattern.start, 'a pattern must be text in quotes, so that it can be checked');
  const compiled = compilePattern(pattern.args, text, pattern.start);
  return [...within, { start, end: pattern.end, text: `${matchesPattern}(${patterns.push(compiled) - 1}` }];
}

/** Behind the receiver stand its closing brackets, a dot, and between all of them white space and comments. */
function placeOfName(text: string, receiver: ASTNode): number {
  const between = /(?:[\s).]|\/\/.*)*/y;
  between.lastIndex = receiver.end;
  between.test(text);
  return between.lastIndex;
}

function compilePattern(pattern: string, text: string, start: number): RE2JS {
  try {
    return compileRe2(pattern);
  } catch (error) {
    throw mistakeAt(text, start, reasonOf(error));
  }
}

function partsOf({ args }: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const look = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(look);
    else if (isNode(part)) found.push(part);
  };
  look(args);
  return found;
}

function isNode(part: unknown): part is ASTNode {
  return typeof part === 'object' && part !== null && 'op' in part;
}

/** Those that begin at one place stand in the order of the list. */
function replaceIn(text: string, replacements: readonly Replacement[]): string {
  let from = 0;
  let result = '';
  for (const { start, end, text: instead } of replacements.toSorted((one, other) => one.start - other.start)) {
    result += text.slice(from, start) + instead;
    from = end;
  }
  return result + text.slice(from);
}

/**
 * What one evaluation may cost, about in nanoseconds, and what of that a step costs at least: there are 10,000 at most.
 */
const allowance = 100_000_000;
const costOfStep = 10_000;

/** What a character costs, for each instruction of a pattern's program. */
const costOfCharacter = 10;

class Budget {
  #left = 0;
  #step = costOfStep;

  /** @param characters of the notification: a step may look at all of them */
  renew(characters: number): void {
    this.#left = allowance;
    this.#step = Math.max(costOfStep, characters);
  }

  get isSpent(): boolean {
    return this.#left < 0;
  }

  takeSteps(count: number): void {
    this.take(count * this.#step);
  }

  take(cost: number): void {
    this.#left -= cost;
    if (this.isSpent) throw new Error(tooMuch);
  }
}

function join(list: readonly unknown[], separator: string, budget: Budget): string {
  let size = 0;
  for (const text of list) {
    if (typeof text !== 'string') throw new Error('join(): the list must hold nothing but texts');
    size += text.length + separator.length;
  }
  budget.take(size * costOfCharacter);
  return list.join(separator);
}

function sizeOf(range: unknown): number {
  if (Array.isArray(range)) return range.length;
  if (range instanceof Map) return range.size;
  return typeof range === 'object' && range !== null ? Object.keys(range).length : 0;
}

function orMistake<T>(text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw mistakeAt(text, error instanceof cel().ParseError ? error.range?.start : 0, storyOf(error));
  }
}

function storyOf(error: unknown): string {
  const { ParseError, TypeError: WrongType, EvaluationError } = cel();
  const isTheirs = error instanceof ParseError || error instanceof WrongType || error instanceof EvaluationError;
  return isTheirs ? error.summary : reasonOf(error);
}

/** How much of the expression is shown from the place of a mistake on. */
const shown = 40;

function mistakeAt(text: string, offset = 0, story: string): ConditionError {
  const rest = text.slice(offset).trim();
  if (rest === '') return new ConditionError(`${story}, at its end`);
  const cut = rest.length > shown ? `${rest.slice(0, shown)}…` : rest;
  return new ConditionError(`${story}, at character ${offset + 1}: ${JSON.stringify(cut)}`);
}
