import type { ASTNode } from '@marcbachmann/cel-js';
import { truncateUtf8 } from '../common/text/format.ts';
import type { Entry } from '../notification/entry.ts';
import { envelopeOf } from '../notification/envelope.ts';
import { partsOf } from './bounds.ts';
import { cel } from './cel.ts';
import { type Condition, createCondition } from './condition.ts';

/** Of a value, as many bytes are told. */
const longestValue = 80;

/** Says why an entry doesn't fulfil a condition: which part of it is false, and what stands in the entry for that. */
export function explainCondition(text: string): (entry: Entry) => string {
  const parts = conjunctsOf(new (cel().Environment)().parse(text).ast).map((node): Part => {
    const own = text.slice(node.start, node.end);
    return { text: own, paths: [...new Set(pathsIn(node).map((path) => path.join('.')))], holds: createCondition(own) };
  });
  return (entry) => {
    for (const { text: own, paths, holds } of parts) {
      const answer = holds(entry);
      if (answer === true) continue;
      const envelope = envelopeOf(entry);
      const values = paths.map((path) => `${path} is ${shown(valueAt(envelope, path.split('.')))}`).join(', ');
      const found = values === '' ? '' : ` (${values})`;
      return answer === false
        ? `where is false: ${own}${found}`
        : `where can't be evaluated: ${own}: ${answer.failed}${found}`;
    }
    return `where is false: ${text}`;
  };
}

interface Part {
  readonly text: string;
  /** Of the envelope, with dots. */
  readonly paths: readonly string[];
  readonly holds: Condition;
}

/** The parts that must all be true. */
function conjunctsOf(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjunctsOf) : [node];
}

/** The paths of the envelope that a part of the condition reads; a macro's range counts as a whole. */
function pathsIn(node: ASTNode): string[][] {
  const path = pathOf(node);
  if (path !== undefined) return [path];
  if (node.op === 'rcall' && node.args[2][0]?.op === 'id') return pathsIn(node.args[1]);
  return partsOf(node).flatMap(pathsIn);
}

function pathOf(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [of, key] = node.args;
  const before = pathOf(of);
  const step =
    typeof key === 'string' ? key : key.op === 'value' && typeof key.args === 'string' ? key.args : undefined;
  return before === undefined || step === undefined ? undefined : [...before, step];
}

function valueAt(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return valueAt(Reflect.get(value, step), rest);
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return Buffer.byteLength(text) <= longestValue ? text : `${truncateUtf8(text, longestValue - 1)}…`;
}
