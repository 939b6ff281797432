import { reasonOf } from '../common/errors.ts';
import { isObject } from '../common/json.ts';
import { compileEcmaAsRe2 } from '../common/text/patterns.ts';
import type { Edge, Node, Part, SchemaGraph } from './graph.ts';

/** More items than this may not be compared each with each. */
export const maxCompared = 1_000;

/** What stands in a schema and can cost more than time in proportion to the body. */
export interface Costly {
  readonly path: string;
  /** JSON Pointer into the file. */
  readonly pointer: string;
  readonly what: string;
}

/**
 * The part of a schema, or of one that it refers to, that could take more time than in proportion to the body;
 * undefined if there is none. There are three kinds: comparing all items with each other; a pattern that backtracks;
 * and a schema that applies itself to one value in several ways, so that each level of a body multiplies the cost.
 * @throws Error for a dangling reference
 */
export function findCostly(root: Node, graph: SchemaGraph): Costly | undefined {
  const all = reachedFrom([root], (node) => [...graph.edges(node).map(({ to }) => to), ...graph.definitions(node)]);
  const reach = new Map<Node, ReadonlySet<Node>>();
  const reaches = (from: Node, to: Node): boolean => {
    const known =
      reach.get(from) ??
      reachedFrom(
        graph.edges(from).map((edge) => edge.to),
        (node) => graph.edges(node).map((edge) => edge.to),
      );
    reach.set(from, known);
    return known.has(to);
  };
  const recursive = [...all].filter((node) => reaches(node, node));
  const isEndless = (node: Node) => recursive.some((other) => node === other || reaches(node, other));
  for (const node of all) {
    const costly =
      dynamicReference(node) ??
      pairwiseComparison(node) ??
      unsafePattern(node) ??
      (recursive.includes(node) ? exponentialRecursion(node, graph.edges(node), reaches, isEndless) : undefined);
    if (costly !== undefined) return costly;
  }
  return undefined;
}

/** Where these lead depends on the way that led to them. */
function dynamicReference(node: Node): Costly | undefined {
  const keyword = ['$dynamicRef', '$recursiveRef'].find((name) => node.schema[name] !== undefined);
  return keyword === undefined ? undefined : at(node, `/${keyword}`, 'is not supported: use $ref');
}

function pairwiseComparison(node: Node): Costly | undefined {
  const { uniqueItems, items, maxItems } = node.schema;
  if (uniqueItems !== true || (typeof maxItems === 'number' && maxItems <= maxCompared)) return undefined;
  const types = isObject(items) ? [items.type ?? 'any'].flat() : ['any'];
  if (types.length > 0 && types.every((type) => typeof type === 'string' && scalars.has(type))) return undefined;
  return at(
    node,
    '/uniqueItems',
    `compares each item with each: give it maxItems of ${maxCompared} or less, or items with a type of ${[...scalars].join(', ')}`,
  );
}

const scalars = new Set(['string', 'number', 'integer', 'boolean', 'null']);

function unsafePattern(node: Node): Costly | undefined {
  const { pattern, patternProperties } = node.schema;
  const patterns: [string, string][] = isObject(patternProperties)
    ? Object.keys(patternProperties).map((key) => ['/patternProperties', key])
    : [];
  if (typeof pattern === 'string') patterns.push(['/pattern', pattern]);
  for (const [location, text] of patterns) {
    try {
      compileEcmaAsRe2(text);
    } catch (error) {
      return at(node, location, `has ${JSON.stringify(text)}: ${reasonOf(error)}`);
    }
  }
  return undefined;
}

/** @param node one that leads back to itself */
function exponentialRecursion(
  node: Node,
  edges: readonly Edge[],
  reaches: (from: Node, to: Node) => boolean,
  isEndless: (node: Node) => boolean,
): Costly | undefined {
  const back = edges.filter(({ to }) => to === node || reaches(to, node));
  const tried = back.find(({ isTried }) => isTried);
  if (tried !== undefined) return at(node, tried.location, `leads back to where it stands, by a $ref: ${multiplies}`);
  const endless = edges.filter(({ to }) => isEndless(to));
  for (const [index, one] of endless.entries()) {
    const other = endless.slice(index + 1).find(({ part }) => mayOverlap(one.part, part));
    if (other === undefined) continue;
    return at(
      node,
      one.location,
      `and ${other.location} beside it both lead to a schema that refers to itself: ${multiplies}`,
    );
  }
  return undefined;
}

const multiplies = 'each level of a body would multiply what it takes to check it';

/** Whether both may be one and the same. */
function mayOverlap(one: Part, other: Part): boolean {
  return (
    one === 'value' || other === 'value' || overlapping.has(`${one} ${other}`) || overlapping.has(`${other} ${one}`)
  );
}

const overlapping = new Set(['matching matching', 'matching member', 'contained item', 'contained otherItem']);

function at({ path, pointer }: Node, location: string, what: string): Costly {
  return { path, pointer: pointer + location, what };
}

function reachedFrom(start: readonly Node[], next: (node: Node) => readonly Node[]): Set<Node> {
  const reached = new Set(start);
  for (const node of reached) for (const other of next(node)) reached.add(other);
  return reached;
}
