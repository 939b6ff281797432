import { createRequire } from 'node:module';
import { reasonOf } from '../common/errors.ts';
import { type Excerpt, Unreadable } from '../common/text/slips.ts';
import { envelopeKeys } from '../notification/envelope.ts';

const require = createRequire(import.meta.url);

let loaded: typeof import('@marcbachmann/cel-js') | undefined;

/**
 * What conditions are made with. Loaded with the first condition, because few configurations have one: it is a quarter
 * of all the code that a daemon would load at its start.
 */
export function cel(): typeof import('@marcbachmann/cel-js') {
  loaded ??= require('@marcbachmann/cel-js') as typeof import('@marcbachmann/cel-js');
  return loaded;
}

/** An expression that can't be used. */
export class ConditionError extends Unreadable {
  override readonly name = 'ConditionError';
  /** Of two errors, the one that reached further is greater. */
  readonly reached: number;

  constructor(message: string, reached: number, excerpt?: Excerpt) {
    super(message, excerpt);
    this.reached = reached;
  }
}

/** The order of checks: syntax, then meaning. */
type Stage = 'syntax' | 'meaning';

/** @throws ConditionError with the library's message */
export function orConditionError<T>(text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw conditionErrorAt(
      text,
      error instanceof cel().ParseError ? error.range?.start : 0,
      celMessage(error),
      'syntax',
    );
  }
}

/** What went wrong, in one line, without the excerpt that the library adds. */
export function celMessage(error: unknown): string {
  const { ParseError, TypeError: WrongType, EvaluationError } = cel();
  const isTheirs = error instanceof ParseError || error instanceof WrongType || error instanceof EvaluationError;
  return isTheirs ? inOurWords(error.summary) : reasonOf(error);
}

function inOurWords(message: string): string {
  const [, name] = /^Unknown variable: (\w+)$/.exec(message) ?? [];
  if (name !== undefined) return `there is no variable ${name}; there are ${envelopeKeys.join(', ')}`;
  const [, call] = /^found no matching overload for '(.*)'$/.exec(message) ?? [];
  return call === undefined ? message : `there is no function ${call}`;
}

/** How much of the expression is shown from the place of a mistake on. */
const shown = 40;

/** @param offset of the mistake in the expression */
export function conditionErrorAt(
  text: string,
  offset = 0,
  message: string,
  stage: Stage = 'meaning',
  excerpt?: Excerpt,
): ConditionError {
  const rest = text.slice(offset).trim();
  const reached = (stage === 'syntax' ? 0 : 1e9) + offset - text.length;
  if (rest === '') return new ConditionError(`${message}, at its end`, reached, excerpt);
  const cut = rest.length > shown ? `${rest.slice(0, shown)}…` : rest;
  return new ConditionError(`${message}, at character ${offset + 1}: ${JSON.stringify(cut)}`, reached, excerpt);
}
