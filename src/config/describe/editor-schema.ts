import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionNode,
  type OptionTree,
} from '../../common/options/declare.ts';
import {
  orReference,
  reference,
  type JsonSchema as Schema,
  when,
  whenSchema,
} from '../../common/options/value-checks.ts';
import { sinkDeclarations } from '../../sinks/declarations.ts';
import { routeName } from '../check/routes.ts';
import { formatOf, formats, formatValue } from '../formats.ts';
import { brokerOptions, kazooConfigOptions, rootOptions, routeOptions } from '../options.ts';

/** A JSON Schema of the configuration, for editors: of draft 7, which their language servers know best. */
export function editorSchema(): Schema {
  const brokers = {
    description: 'Every RabbitMQ of every KAZOO zone.',
    anyOf: [
      { type: 'array', items: { ...sectionOf(brokerOptions), ...plainWithoutTls }, minItems: 1 },
      sectionOf(kazooConfigOptions),
    ],
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
    ...whenSchema(
      { propertyNames: { const: 'routes' } },
      { required: ['routes'] },
      { required: ['brokers'], anyOf: [hasRoutes, hasInclude] },
    ),
  };
}

const hasRoutes = { required: ['routes'], properties: { routes: { type: 'object', minProperties: 1 } } };
const hasInclude = {
  required: ['include'],
  properties: { include: { anyOf: [{ type: 'string' }, { type: 'array', minItems: 1 }] } },
};

const plainWithoutTls = when({ url: { pattern: '^amqp:' } }, { not: { required: ['tls'] } });

/** `kazoo-relay config schema`, and config/kazoo-relay.schema.json. */
export function editorSchemaText(): string {
  return `${JSON.stringify(editorSchema(), undefined, 2)}\n`;
}

/** @param others properties beside the options; all of them but `routes` and `brokers` are required */
function sectionOf(options: OptionTree, others: Readonly<Record<string, Schema>> = {}): Schema {
  const own = Object.entries(options).map(([key, node]) => [key, schemaOf(node)]);
  const required = [...Object.keys(others), ...Object.keys(options).filter((key) => isRequired(options[key]))];
  const hasPair = Object.hasOwn(options, 'cert') && Object.hasOwn(options, 'key');
  return {
    // One whose options are all commented out reads as null.
    type: required.length > 0 ? 'object' : ['object', 'null'],
    properties: { ...others, ...Object.fromEntries(own) },
    required,
    additionalProperties: false,
    ...(hasPair && { dependencies: { cert: ['key'], key: ['cert'] } }),
  };
}

function isRequired(node: OptionNode | undefined): boolean {
  return node !== undefined && isOption(node) && node.default === null;
}

function schemaOf(node: OptionNode): Schema {
  if (isOption(node)) return { description: node.doc, ...defaultOf(node), ...valueSchema(node) };
  if (isOptionList(node)) {
    const each = node.items as OptionNode; // an option or a tree, and both are nodes
    const list = { type: ['array', 'null'], items: isOption(each) ? valueSchema(each) : schemaOf(each) };
    const items = isOption(each) ? node.default.map((item) => formatValue(item, each)) : node.default;
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
  return isGiven ? { default: formatValue(option.default, option) } : {};
}

/** Of an option without a format of ours: see `checkOption`. */
const anyValue = { type: ['string', 'number', 'boolean', 'array'] };

function valueSchema(option: Option): Schema {
  const { format } = option;
  const schema = Array.isArray(format) ? { enum: format } : (formats[formatOf(option) ?? '']?.schema ?? anyValue);
  return orReference(schema);
}

function sinkSchema(): Schema {
  return {
    description: 'Where what the route selects goes.',
    type: 'object',
    properties: { type: { enum: sinkDeclarations.map(({ type }) => type) } },
    required: ['type'],
    allOf: sinkDeclarations.map(({ type, summary, options, schemaRules = [] }) =>
      when(
        { type: { const: type } },
        {
          ...sectionOf(options, { type: { description: summary, const: type } }),
          ...(schemaRules.length > 0 && { allOf: schemaRules }),
        },
      ),
    ),
  };
}
