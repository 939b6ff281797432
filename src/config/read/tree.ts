import { parse } from 'yaml';
import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionList,
  type OptionMap,
  type OptionNode,
  type OptionTree,
} from '../../common/options/declare.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { sinkDeclarations } from '../../sinks/declarations.ts';
import type { OptionPath } from '../diagnostics.ts';
import { isList } from '../formats.ts';
import { brokerOptions, kazooConfigOptions, rootOptions, routeOptions } from '../options.ts';

/** An option that takes a value, and where it stands below the tree that it was found in. */
export interface Leaf {
  readonly path: OptionPath;
  readonly node: Option | OptionList | OptionMap;
}

/** Every option of a tree that takes a value. */
export function leavesOf(tree: OptionTree, prefix: OptionPath = []): Leaf[] {
  return Object.entries(tree).flatMap(([key, node]) => {
    const path = [...prefix, key];
    if (isOption(node) || isOptionList(node) || isOptionMap(node)) return [{ path, node }];
    return leavesOf(isOptionalSection(node) ? node.optional : node, path);
  });
}

/** Every option that takes a value in this configuration, as it is before it is checked. */
export function leavesIn(value: Record<string, unknown>): Leaf[] {
  const { brokers } = value;
  return [
    ...leavesOf(rootOptions),
    ...(Array.isArray(brokers)
      ? brokers.flatMap((_, index) => leavesOf(brokerOptions, ['brokers', index]))
      : leavesOf(kazooConfigOptions, ['brokers'])),
    ...Object.entries(isMapping(value.routes) ? value.routes : {}).flatMap(([name, route]) => [
      ...leavesOf(routeOptions, ['routes', name]),
      ...leavesOf(sinkOptionsOf(route), ['routes', name, 'sink']),
    ]),
  ];
}

/** The options that belong to the sink of a route, before anything is checked. */
export function sinkOptionsOf(route: unknown): OptionTree {
  const sink = isMapping(route) && isMapping(route.sink) ? route.sink : {};
  return sinkDeclarations.find(({ type }) => type === sink.type)?.options ?? {};
}

/** The declaration at a path of this configuration; undefined if there is none. */
export function nodeAt(path: OptionPath, value: Record<string, unknown>): OptionNode | undefined {
  const [first, second, third, ...rest] = path;
  if (first === 'brokers' && typeof second === 'number') return below(brokerOptions, path.slice(2));
  if (first === 'brokers') return below(kazooConfigOptions, path.slice(1));
  if (first !== 'routes') return below(rootOptions, path);
  if (third !== 'sink') return below(routeOptions, path.slice(2));
  return below(sinkOptionsOf(isMapping(value.routes) ? value.routes[String(second)] : undefined), rest);
}

function below(node: OptionNode, [key, ...rest]: OptionPath): OptionNode | undefined {
  if (key === undefined) return node;
  if (isOption(node)) return typeof key === 'number' ? node : undefined; // an element of a list of names
  if (isOptionList(node)) return below(node.items as OptionNode, rest); // as below
  if (isOptionMap(node)) return below(node.each as OptionNode, rest); // an option or a tree, and both are nodes
  const tree = isOptionalSection(node) ? node.optional : node;
  const next = Object.hasOwn(tree, key) ? tree[key] : undefined;
  return next === undefined ? undefined : below(next, rest);
}

/** What a text from elsewhere than the file means to an option: lists have commas, mappings are written {a: b}. */
export function fromText(text: string, node: OptionNode | undefined): unknown {
  if (node === undefined) return text;
  const isSeveral = isOptionList(node) || (isOption(node) && isList(node));
  if (!isSeveral && !isOptionMap(node)) return text;
  if (/^\s*[[{]/.test(text)) return parsed(text);
  if (!isSeveral) return text;
  return text.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** Puts a value at that path; what stands in the way and is no mapping or list stays as it is. */
export function setValue(container: unknown, [key, ...rest]: OptionPath, inner: unknown): void {
  const isList = Array.isArray(container);
  if (key === undefined || !(isList ? typeof key === 'number' && key < container.length : isMapping(container))) return;
  const there = valueAt(container, [key]);
  const value = rest.length === 0 ? inner : (there ?? {});
  // So that a key is one of the mapping's own, also where it is __proto__.
  Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
  setValue(value, rest, inner);
}

export function valueAt(value: unknown, path: OptionPath): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (Array.isArray(inner)) return inner[Number(key)];
    return isMapping(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined;
  }, value);
}
