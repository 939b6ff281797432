import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionNode,
  type OptionTree,
} from '../options.ts';
import { sinkKinds } from '../sinks/registry.ts';
import { brokerOptions, rootOptions, routeOptions } from './options.ts';

/** docs/configuration.md: every option that there is, from where it is declared. */
export function referenceText(): string {
  const sinks = sinkKinds.map((kind) => `### ${kind.type}\n\n${sentence(kind.summary)}\n\n${table(kind.options)}`);
  return `${head}
## brokers

A list; each element has:

${table(brokerOptions)}

## routes

A mapping; each key is the name of a route, each value has a \`sink\` (see below) and:

${table(routeOptions)}

## sink

\`type\` says which one it is; its other options depend on it.

${sinks.join('\n\n')}

## Everything else

${table(rootOptions)}
`;
}

const head = `# Configuration

One YAML file: that of \`--config\`, else of \`KAZOO_RELAY_CONFIG\`, else \`/etc/kazoo-relay/kazoo-relay.yaml\`, else
\`config/kazoo-relay.yaml\`. [config/kazoo-relay.yaml](../config/kazoo-relay.yaml) is an example to begin with. All mistakes are
told at once, each with its line.

Durations are written \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`; sizes \`512KiB\`, \`64MiB\`, \`10GiB\`. Relative paths belong to the working
directory. This page is made from the program's own options by \`npm run reference\`.
`;

interface Row {
  readonly name: string;
  readonly default: string;
  readonly doc: string;
}

function table(options: OptionTree): string {
  const rows = rowsOf(options, '');
  return [
    '| Option | Default | |',
    '| --- | --- | --- |',
    ...rows.map((row) => `| \`${row.name}\` | ${row.default} | ${row.doc.replaceAll('|', '\\|')} |`),
  ].join('\n');
}

function rowsOf(options: OptionTree, prefix: string): Row[] {
  return Object.entries(options).flatMap(([key, node]) => rowsOfNode(`${prefix}${key}`, node));
}

function rowsOfNode(name: string, node: OptionNode): Row[] {
  if (isOption(node)) return [{ name, default: defaultOf(node), doc: docOf(node) }];
  if (isOptionList(node)) {
    const items = node.default.map((item) => show(item, node.items.format)).join(', ');
    return [{ name, default: `\`[${items}]\``, doc: node.doc }];
  }
  if (isOptionMap(node)) {
    const each = isOption(node.each as OptionNode) ? [] : rowsOf(node.each as OptionTree, `${name}.NAME.`);
    return [{ name, default: '`{}`', doc: node.doc }, ...each];
  }
  if (isOptionalSection(node)) return [{ name, default: 'none', doc: node.doc }, ...rowsOf(node.optional, `${name}.`)];
  return rowsOf(node, `${name}.`);
}

function defaultOf(option: Option): string {
  if (option.default === null) return '*required*';
  if (option.default === undefined || option.default === '') return 'none';
  return `\`${show(option.default, option.format)}\``;
}

function docOf({ doc, format }: Option): string {
  return Array.isArray(format) ? `${doc} One of ${format.map((choice) => `\`${choice}\``).join(', ')}.` : doc;
}

function show(value: unknown, format: unknown): string {
  if (typeof value !== 'number' || typeof format !== 'string') return JSON.stringify(value).replaceAll('"', '');
  if (/duration|age|heartbeat/.test(format)) return inUnits(value, durations);
  return /size/.test(format) ? inUnits(value, sizes) : String(value);
}

/** The largest unit that leaves a whole number. */
function inUnits(value: number, units: readonly (readonly [string, number])[]): string {
  const [name, unit] = units.find(([, size]) => value >= size && value % size === 0) ?? ['', 1];
  return `${value / unit}${name}`;
}

const durations = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;
const sizes = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
