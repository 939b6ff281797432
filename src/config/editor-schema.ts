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
import { formatOf } from './check.ts';
import { formats } from './formats.ts';
import { routeName } from './load.ts';
import { brokerOptions, kazooConfigOptions, rootOptions, routeOptions } from './options.ts';
import { asWritten } from './values.ts';

type Schema = Readonly<Record<string, unknown>>;

/** A JSON Schema of the configuration, for editors: of draft 7, which their language servers know best. */
export function editorSchema(): Schema {
  const brokers = {
    description: 'Every RabbitMQ of every KAZOO zone.',
    anyOf: [{ type: 'array', items: sectionOf(brokerOptions), minItems: 1 }, sectionOf(kazooConfigOptions)],
  };
  const routes = {
    description: 'Who gets what: names of your choice, each with a route.',
    type: ['object', 'null'],
    propertyNames: { pattern: routeName.source },
    additionalProperties: sectionOf(routeOptions, { sink: sinkSchema() }),
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of kazoo-relay',
    ...sectionOf(rootOptions, { brokers, routes }),
    type: 'object',
    required: [],
    // A file that another one includes has routes, and nothing else.
    if: { propertyNames: { const: 'routes' } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['routes'] },
    else: { required: ['brokers'] },
  };
}

/** `kazoo-relay config schema`, and config/kazoo-relay.schema.json. */
export function editorSchemaText(): string {
  return `${JSON.stringify(editorSchema(), undefined, 2)}\n`;
}

/** @param others what stands beside the options; all of it but `routes` and `brokers` is required */
function sectionOf(options: OptionTree, others: Readonly<Record<string, Schema>> = {}): Schema {
  const own = Object.entries(options).map(([key, node]) => [key, schemaOf(node)]);
  const required = Object.keys(options).filter((key) => isRequired(options[key]));
  return {
    type: ['object', 'null'],
    properties: { ...others, ...Object.fromEntries(own) },
    required: [...Object.keys(others), ...required],
    additionalProperties: false,
  };
}

function isRequired(node: OptionNode | undefined): boolean {
  return node !== undefined && isOption(node) && node.default === null;
}

function schemaOf(node: OptionNode): Schema {
  if (isOption(node)) return { description: node.doc, ...defaultOf(node), ...valueSchema(node) };
  if (isOptionList(node)) {
    const list = { type: ['array', 'null'], items: valueSchema(node.items) };
    const items = node.default.map((item) => asWritten(item, node.items));
    return { description: node.doc, default: items, anyOf: [list, reference] };
  }
  if (isOptionMap(node)) {
    // An option or a tree, and both are nodes.
    return { description: node.doc, type: ['object', 'null'], additionalProperties: schemaOf(node.each as OptionNode) };
  }
  if (isOptionalSection(node)) return { description: node.doc, ...sectionOf(node.optional) };
  return sectionOf(node);
}

function defaultOf(option: Option): Schema {
  const isGiven = option.default !== null && option.default !== undefined;
  return isGiven ? { default: asWritten(option.default, option) } : {};
}

/** What stands for something else may stand for anything. */
const reference = { type: 'string', pattern: '\\$\\{' };

function valueSchema(option: Option): Schema {
  const { format } = option;
  const schema = Array.isArray(format) ? { enum: format } : (formats[formatOf(option) ?? '']?.schema ?? {});
  return { anyOf: [schema, reference] };
}

function sinkSchema(): Schema {
  return {
    description: 'Where what the route selects goes.',
    type: 'object',
    properties: { type: { enum: sinkKinds.map(({ type }) => type) } },
    required: ['type'],
    allOf: sinkKinds.map(({ type, summary, options }) => ({
      if: { properties: { type: { const: type } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { ...sectionOf(options, { type: { description: summary, const: type } }), type: 'object' },
    })),
  };
}
