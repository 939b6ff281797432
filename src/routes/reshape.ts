import { isHolder } from '../common/json.ts';
import type { Envelope, ShapedEnvelope } from '../notification/envelope.ts';

/** What a route changes in its envelopes. Paths are dotted and begin at the envelope; `*` is every key, or element. */
export interface ShapeOptions {
  /** The paths to keep, beside the id; an empty list keeps all. */
  readonly pick: readonly string[];
  readonly omit: readonly string[];
  readonly set: Readonly<Record<string, unknown>>;
}

export type Reshape = (envelope: Envelope) => ShapedEnvelope;

/** Makes what picks, then omits, then sets. It changes nothing in place: entries are shared by routes. */
export function createReshape(options: ShapeOptions | undefined): Reshape | undefined {
  if (options === undefined) return undefined;
  const { pick, omit, set } = options;
  // Receivers are idempotent by it.
  const picked = pick.length === 0 ? undefined : treeOf(['id', ...pick]);
  const omitted = omit.length === 0 ? undefined : treeOf(omit);
  const values = Object.entries(set).map(([path, value]) => ({ path: path.split('.'), value }));

  return (envelope) => {
    let shaped: unknown = envelope;
    if (picked !== undefined) shaped = pickFrom(shaped, picked);
    if (omitted !== undefined) shaped = omitFrom(shaped, omitted);
    for (const { path, value } of values) shaped = setAt(shaped, path, value);
    return shaped as ShapedEnvelope; // picking, omitting and setting leave the id, and the other keys' types, as they are
  };
}

/** Paths by their steps; where one ends, the branch is true. */
type Tree = Map<string, Tree | true>;

function treeOf(paths: readonly string[]): Tree {
  const tree: Tree = new Map();
  for (const path of paths) grow(tree, path.split('.'));
  return tree;
}

/** A path that leads to a whole covers those that lead into it. */
function grow(tree: Tree, [step = '', ...rest]: readonly string[]): void {
  const branch = tree.get(step);
  if (branch === true) return;
  if (rest.length === 0) tree.set(step, true);
  else if (branch === undefined) tree.set(step, newBranch(rest));
  else grow(branch, rest);
}

function newBranch(steps: readonly string[]): Tree {
  const tree: Tree = new Map();
  grow(tree, steps);
  return tree;
}

/** The branches for a key: the one with its name, and the one for every key. */
function branchesAt(tree: Tree, key: string): (Tree | true)[] {
  return [tree.get(key), tree.get('*')].filter((branch) => branch !== undefined);
}

/** Undefined where nothing of it is picked. */
function pickFrom(value: unknown, tree: Tree): unknown {
  return mapMembers(value, (member, key) => {
    const branches = branchesAt(tree, key);
    if (branches.includes(true)) return member;
    const [first, second] = branches.filter((branch) => branch !== true);
    if (first === undefined || !isHolder(member)) return undefined;
    return pickFrom(member, second === undefined ? first : merged(first, second));
  });
}

function omitFrom(value: unknown, tree: Tree): unknown {
  return mapMembers(value, (member, key) => {
    const branches = branchesAt(tree, key);
    if (branches.includes(true)) return undefined;
    return branches.reduce<unknown>((left, branch) => (branch === true ? left : omitFrom(left, branch)), member);
  });
}

function merged(one: Tree, other: Tree): Tree {
  const result: Tree = new Map(one);
  for (const [step, branch] of other) {
    const mine = result.get(step);
    if (mine === true || branch === true) result.set(step, true);
    else result.set(step, mine === undefined ? branch : merged(mine, branch));
  }
  return result;
}

/** A copy with each member replaced; a member whose replacement is undefined is omitted. */
function mapMembers(value: unknown, make: (member: unknown, key: string) => unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((member, index) => make(member, String(index))).filter((member) => member !== undefined);
  }
  if (!isHolder(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, make(member, key)])
      .filter(([, member]) => member !== undefined),
  );
}

/** Creates the objects on the path; other values on it are replaced. */
function setAt(value: unknown, [key = '', ...rest]: readonly string[], wanted: unknown): unknown {
  const holder: object = isHolder(value) && !Array.isArray(value) ? value : {};
  if (rest.length === 0) return { ...holder, [key]: wanted };
  const inner: unknown = Object.hasOwn(holder, key) ? Reflect.get(holder, key) : undefined;
  return { ...holder, [key]: setAt(inner, rest, wanted) };
}
