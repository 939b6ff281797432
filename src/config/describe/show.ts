import { stringify } from 'yaml';
import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionNode,
  type OptionTree,
} from '../../common/options/declare.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { withoutSecrets } from '../../kazoo/secrets.ts';
import { sinkDeclaration } from '../../sinks/declarations.ts';
import { mask, masked } from '../check/secrets.ts';
import type { RouteConfig } from '../config.ts';
import { locationText, type OptionPath } from '../diagnostics.ts';
import { formatValue } from '../formats.ts';
import type { LoadedConfig } from '../load.ts';
import { brokerOptions, rootOptions, routeOptions } from '../options.ts';
import type { Origin } from '../read/merge-sources.ts';

/**
 * A configuration as YAML, with every value that it has in the end, and secrets masked.
 * @param withOrigin puts behind each value where it comes from
 */
export function configText({ config, originOf }: LoadedConfig, withOrigin: boolean): string {
  const writer = new Writer(withOrigin ? originOf : undefined);
  const { brokers, routes, ...rest } = config;
  writer.heading(['brokers'], 0);
  for (const [index, broker] of brokers.entries()) writer.tree({ ...broker }, brokerOptions, ['brokers', index], 2);
  writer.heading(['routes'], 0);
  for (const route of routes) writeRoute(writer, route);
  writer.tree({ ...rest }, rootOptions, [], 0);
  return `${writer.lines.join('\n')}\n`;
}

/** The same of one route alone. */
export function routeText(route: RouteConfig): string {
  const writer = new Writer(undefined);
  writeRoute(writer, route);
  return `${writer.lines.map((line) => line.slice(2)).join('\n')}\n`;
}

function writeRoute(writer: Writer, { name, sink, ...route }: RouteConfig): void {
  const path = ['routes', name];
  writer.heading(path, 1);
  writer.tree({ ...route, start: startText(route.start) }, routeOptions, path, 2);
  writer.heading([...path, 'sink'], 2);
  writer.line(sink.type, [...path, 'sink', 'type'], 3);
  writer.tree(isMapping(sink.options) ? sink.options : {}, sinkDeclaration(sink.type).options, [...path, 'sink'], 3);
}

function startText(start: string | number): string {
  return typeof start === 'number' ? new Date(start).toISOString() : start;
}

class Writer {
  readonly lines: string[] = [];
  readonly #originOf: ((path: OptionPath) => Origin | undefined) | undefined;

  constructor(originOf: ((path: OptionPath) => Origin | undefined) | undefined) {
    this.#originOf = originOf;
  }

  heading(path: OptionPath, depth: number): void {
    this.lines.push(`${this.#indent(path, depth)}${keyText(path)}:`);
  }

  /** The options of a tree, each with its value. What may be left out and is, is left out here too. */
  tree(values: Readonly<Record<string, unknown>>, options: OptionTree, path: OptionPath, depth: number): void {
    for (const [key, node] of Object.entries(options)) {
      if (values[key] !== undefined) this.#node(values[key], node, [...path, key], depth);
    }
  }

  line(value: unknown, path: OptionPath, depth: number): void {
    // JSON's strings are YAML's, and stay on their line.
    const isLong = typeof value === 'string' && value.includes('\n');
    const text = isLong ? JSON.stringify(value) : stringify(value, inline).trimEnd();
    const comment = this.#originOf === undefined ? '' : ` # ${originText(this.#originOf(path))}`;
    this.lines.push(`${this.#indent(path, depth)}${keyText(path)}: ${text}${comment}`);
  }

  #node(value: unknown, node: OptionNode, path: OptionPath, depth: number): void {
    if (isOption(node)) this.line(formatted(value, node), path, depth);
    else if (isOptionList(node))
      this.line(
        [value].flat().map((item) => itemOf(item, node.items as OptionNode)), // either is a node
        path,
        depth,
      );
    else if (isOptionMap(node))
      this.#map(isMapping(value) ? value : {}, node.each as OptionNode, path, depth); // either is a node
    else {
      this.heading(path, depth);
      this.tree(isMapping(value) ? value : {}, isOptionalSection(node) ? node.optional : node, path, depth + 1);
    }
  }

  #map(values: Readonly<Record<string, unknown>>, each: OptionNode, path: OptionPath, depth: number): void {
    if (Object.keys(values).length === 0) {
      this.line({}, path, depth);
      return;
    }
    this.heading(path, depth);
    for (const [key, value] of Object.entries(values)) this.#node(value, each, [...path, key], depth + 1);
  }

  /** The first option of an element of a list has the list's dash before it. */
  #indent(path: OptionPath, depth: number): string {
    const isFirst = typeof path.at(-2) === 'number' && path.at(-1) === Object.keys(brokerOptions)[0];
    return isFirst ? `${'  '.repeat(depth - 1)}- ` : '  '.repeat(depth);
  }
}

const inline = { collectionStyle: 'flow', lineWidth: 0, blockQuote: false, flowCollectionPadding: false } as const;

function keyText(path: OptionPath): string {
  return stringify(path.at(-1), inline).trimEnd();
}

/** An item of a list: a value, or a mapping without its unset options. */
function itemOf(item: unknown, node: OptionNode): unknown {
  if (isOption(node)) return formatted(item, node);
  const values = Object.entries(isMapping(item) ? item : {}).filter(([, value]) => value !== undefined);
  const inner = node as OptionTree; // such a list has options and nothing else
  return Object.fromEntries(values.map(([key, value]) => [key, itemOf(value, inner[key] ?? {})]));
}

function formatted(value: unknown, option: Option): unknown {
  if (typeof value === 'string' && !option.sensitive && withoutSecrets(value, () => false) !== value) return masked;
  if (!option.sensitive) return Array.isArray(value) ? value : formatValue(value, option);
  if (Array.isArray(value)) return value.map(() => masked);
  return value === option.default ? value : mask(value);
}

function originText(origin: Origin | undefined): string {
  if (origin === undefined) return 'default';
  return origin.written === undefined ? locationText(origin) : `${locationText(origin)} ${origin.written}`;
}
