import type { ASTNode } from '@marcbachmann/cel-js';
import type { BodyFields, JsonKind } from './body-fields.ts';
import { partsOf } from './bounds.ts';

/** Something about a condition that can be used, and most likely isn't meant. */
export interface ConditionDoubt {
  readonly message: string;
  /** Where in the text it begins. */
  readonly offset: number;
}

/** Fields that no such event has, and comparisons that are the same for all of them. */
export function conditionDoubts(ast: ASTNode, fields: BodyFields): ConditionDoubt[] {
  return [...unknownPaths(ast, fields), ...pointless(ast, fields)];
}

function unknownPaths(node: ASTNode, fields: BodyFields): ConditionDoubt[] {
  const path = pathOf(node);
  if (path === undefined) return partsOf(node).flatMap((part) => unknownPaths(part, fields));
  const message = path[0] === 'data' ? fields.problemOf(path) : undefined;
  return message === undefined ? [] : [{ message, offset: node.start }];
}

/** The steps of `data.to`, `data["to"]` and `data.?to`; undefined for what is no path. */
function pathOf(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op === '.' || node.op === '.?') {
    const [holder, name] = node.args;
    const path = pathOf(holder);
    return path && [...path, name];
  }
  if (node.op !== '[]' && node.op !== '[?]') return undefined;
  const [holder, index] = node.args;
  const path = index.op === 'value' ? pathOf(holder) : undefined;
  return path && index.op === 'value' ? [...path, String(index.args)] : undefined;
}

const comparisons: readonly string[] = ['==', '!=', '<', '<=', '>', '>=', 'in'];

function pointless(node: ASTNode, fields: BodyFields): ConditionDoubt[] {
  const within = partsOf(node).flatMap((part) => pointless(part, fields));
  if (!comparisons.includes(node.op)) return within;
  const [left, right] = partsOf(node);
  if (left === undefined || right === undefined) return within;
  const [path, literal] =
    pathOf(left) === undefined || left.op === 'value' ? [pathOf(right), left] : [pathOf(left), right];
  if (path === undefined) return within;
  const values = literal.op === 'list' ? literal.args : [literal];
  const message = values.map((value) => doubtOf(path, value, node.op, fields)).find((doubt) => doubt !== undefined);
  return message === undefined ? within : [...within, { message, offset: node.start }];
}

function doubtOf(
  path: readonly string[],
  value: ASTNode,
  operator: string,
  { selected, kindsOf }: BodyFields,
): string | undefined {
  if (value.op !== 'value' || value.args === null) return undefined;
  const always = `that is ${operator === '!=' ? 'always' : 'never'} true`;
  if (path.length === 1 && path[0] === 'event' && typeof value.args === 'string') {
    const [prefix] = value.args.split('*');
    if (value.args.includes('*')) return `== knows no patterns, so ${always}: write event.startsWith("${prefix}")`;
    const isSelected = selected === undefined || selected.includes(value.args);
    return isSelected ? undefined : `the route selects no ${value.args}, so ${always}`;
  }
  const [first, field = ''] = path;
  const kind = kindOf(value.args);
  const allowed = first === 'data' && path.length === 2 ? kindsOf(field) : new Set<JsonKind>();
  if (kind === undefined || allowed.size === 0 || allowed.has(kind)) return undefined;
  return `data.${field} is ${[...allowed].join(' or ')}, and compared with ${kind}: ${always}${inRightForm(value.args, allowed)}`;
}

function kindOf(value: unknown): JsonKind | undefined {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'number' || typeof value === 'bigint' ? 'a number' : undefined;
}

function inRightForm(value: unknown, allowed: ReadonlySet<JsonKind>): string {
  if (allowed.has('text')) return `; write "${String(value)}"`;
  const isNumber = allowed.has('a number') && /^\d+$/.test(String(value));
  const isTruth = allowed.has('true or false') && /^(true|false)$/.test(String(value));
  return isNumber || isTruth ? `; write ${String(value)}` : '';
}
