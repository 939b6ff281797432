import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import { reasonOf } from '../common/errors.ts';
import { compileRe2 } from '../common/text/patterns.ts';
import { conditionErrorAt } from './cel.ts';

/** An expression that costs no more than its budget, whatever it is evaluated with. */
interface BoundedExpression {
  readonly text: string;
  readonly budget: Budget;
  /** Adds what the text calls in place of CEL's own functions. */
  addFunctions(environment: Environment): Environment;
}

/**
 * Ranges of macros and what `join` makes are charged for, and patterns become RE2's.
 * @throws ConditionError for a pattern that can't be checked
 */
export function bound(ast: ASTNode, text: string): BoundedExpression {
  const budget = new Budget();
  const patterns: RE2JS[] = [];
  return {
    text: replaceIn(text, boundsIn(ast, text, patterns)),
    budget,
    addFunctions: (environment) =>
      environment
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
        ),
  };
}

/** A part of the expression's text, and what replaces it. */
interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const macros = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const matchesPattern = 'matches_pattern';
const boundedJoin = 'bounded_join';

/** What of the text is replaced. @param patterns those of the text are added, compiled */
function boundsIn(node: ASTNode, text: string, patterns: RE2JS[]): Replacement[] {
  const within = partsOf(node).flatMap((part) => boundsIn(part, text, patterns));
  if (node.op !== 'rcall') return within;
  const [name, receiver, args] = node.args;
  if (macros.has(name)) {
    const { start, end } = receiver;
    return [{ start, end: start, text: 'charge(' }, ...within, { start: end, end, text: ')' }];
  }
  const start = offsetOfName(text, receiver);
  if (name === 'join') return [...within, { start, end: start + name.length, text: boundedJoin }];
  const [pattern] = args;
  if (name !== 'matches' || pattern === undefined) return within;
  if (pattern.op !== 'value' || typeof pattern.args !== 'string')
    throw conditionErrorAt(text, pattern.start, 'a pattern must be text in quotes, so that it can be checked');
  const compiled = compilePattern(pattern.args, text, pattern.start);
  return [...within, { start, end: pattern.end, text: `${matchesPattern}(${patterns.push(compiled) - 1}` }];
}

/** Behind the receiver stand its closing brackets, a dot, and between all of them white space and comments. */
function offsetOfName(text: string, receiver: ASTNode): number {
  const between = /(?:[\s).]|\/\/.*)*/y;
  between.lastIndex = receiver.end;
  between.test(text);
  return between.lastIndex;
}

function compilePattern(pattern: string, text: string, start: number): RE2JS {
  try {
    return compileRe2(pattern);
  } catch (error) {
    throw conditionErrorAt(text, start, reasonOf(error));
  }
}

/** The expressions that stand in one. */
export function partsOf({ args }: ASTNode): ASTNode[] {
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
 * The limit on the cost of one evaluation, in nanoseconds approximately, and the least cost of a step: so there are at
 * most 10,000 steps.
 */
const allowance = 100_000_000;
const costOfStep = 10_000;

/** What a character costs, for each instruction of a pattern's program. */
const costOfCharacter = 10;

/** The remaining cost of one evaluation. */
export class Budget {
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

/** Why an evaluation was given up. */
export const tooMuch = 'it goes through too much of this notification';
