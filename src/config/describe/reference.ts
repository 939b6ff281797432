import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionNode,
  type OptionTree,
} from '../../common/options/declare.ts';
import { sinkDeclarations } from '../../sinks/declarations.ts';
import type { OptionPath } from '../diagnostics.ts';
import { formatOf, formats, formatValue } from '../formats.ts';
import { brokerOptions, kazooConfigOptions, rootOptions, routeOptions } from '../options.ts';
import { variableOf } from '../read/variables.ts';

/** docs/reference/configuration.md: every option that there is, from where it is declared. */
export function referenceText(): string {
  const sinks = sinkDeclarations.map(
    (kind) => `### ${kind.type}\n\n${sentence(kind.summary)}\n\n${table(kind.options, ['routes', 'NAME', 'sink'])}`,
  );
  return `${head}
## brokers

A list; each element has:

${table(brokerOptions, ['brokers', 0])}

In the variables of the second broker, the 0 is a 1, and so on.

Instead of the list, a mapping can name KAZOO's own configuration, from which zones and URIs are read, as in
\`brokers: { kazooConfig: /etc/kazoo/core/config.ini }\`. A change of that file triggers a reload:

${table(kazooConfigOptions, ['brokers'])}

## routes

A mapping from the name of a route, which is NAME in the variables (\`my-crm\` is \`MY_CRM\`), to a [sink](#sink) and these options:

${table(routeOptions, ['routes', 'NAME'])}

## sink

\`type\` names the kind of sink; the other options depend on it.

${sinks.join('\n\n')}

## Everything else

${table(rootOptions, [])}
`;
}

const head = `# Configuration

This page lists every option, with its default and its environment variable. \`npm run reference\` generates it.

- [Files and precedence](#files-and-precedence)
- [Values](#values)
- [Editors](#editors)
- [brokers](#brokers)
- [routes](#routes)
- [sink](#sink)
- [Everything else](#everything-else)

## Files and precedence

The configuration is one file, YAML or JSON: that of \`--config\`, else of \`KAZOO_RELAY_CONFIG\`, else
\`/etc/kazoo-relay/kazoo-relay.yaml\`, else \`config/kazoo-relay.yaml\`. Begin with the example
[config/kazoo-relay.yaml](../../config/kazoo-relay.yaml).

- \`kazoo-relay check\` reports all errors and warnings at once, with file, line and column. Below a line that it can't read
  stands what the line should say.
- \`kazoo-relay config show --origin\` shows every value and its source.

**Precedence**, highest first: a flag of \`run\` (\`--log-level\`, \`--log-format\`, and \`--set OPTION=VALUE\` for all others, such as
\`--set intake.prefetch=200\`), the environment variable, the file, the default. Variables and flags can set options of brokers and
routes that the file has. In them, write lists with commas, and mappings as \`{name: value}\`. \`check\` warns of a variable that
begins with \`KAZOO_RELAY_\` and sets nothing.

**Several files**: \`include: conf.d/*.yaml\` adds the \`routes\` of those files, which contain nothing else. The same route in two
files is an error.

**Paths**: relative paths refer to the working directory, those of \`include\` to the folder of the file. \`~\` is refused.

## Values

**Durations**: \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`. **Sizes**: \`512KiB\`, \`64MiB\`, \`10GiB\`. A duration or size other than 0 needs a
unit. \`1M\` is refused, because it could mean a minute (\`1m\`) or a month (\`30d\`).

**Lists**: a list of one name is also written without brackets, \`events: missed_call\`. Put a name that looks like a number in
quotes.

**Shared parts**: \`<<: *name\` merges the mapping that another place marks with \`&name\`; what stands beside it takes precedence.

\`\`\`yaml
routes:
  crm:
    &defaults
    events: [missed_call]
    sink: { type: webhook, url: https://crm.example.com }
  billing:
    <<: *defaults
    events: [transaction]
\`\`\`

**Substitution**: a value may contain these, each with an optional default for a missing source (\`\${env:NAME:-default}\`; for a
variable, also if it is empty). \`$\${\` is a literal \`\${\`.

| Form | Source |
| --- | --- |
| \`\${env:NAME}\` | an environment variable |
| \`\${file:/run/secrets/name}\` | the contents of a file, without the final line end; an empty file is an error |
| \`\${credential:name}\` | a systemd credential (\`LoadCredential=name:/path\` in the unit) |

\`\`\`yaml
url: amqp://kazoo-relay:\${credential:rabbitmq}@10.0.0.11:5672
\`\`\`

**URLs**: percent-encode special characters in user name and password, also in the file or variable that they come from: \`@\` is
\`%40\`, \`/\` is \`%2F\`, \`:\` is \`%3A\`, \`#\` is \`%23\`, \`?\` is \`%3F\`.

## Editors

An editor with a YAML language server completes options, explains them and marks errors, if the first line of the file is

\`\`\`yaml
# yaml-language-server: $schema=https://example.com/kazoo-relay.schema.json
\`\`\`

with the URL or path of [config/kazoo-relay.schema.json](../../config/kazoo-relay.schema.json), which \`kazoo-relay config schema\`
prints.
`;

interface Row {
  readonly name: string;
  readonly value: string;
  readonly default: string;
  readonly variable: string;
  readonly doc: string;
}

/** @param prefix where the options stand in the file */
function table(options: OptionTree, prefix: OptionPath): string {
  const rows = rowsOf(options, [], prefix);
  return [
    '| Option | Value | Default | Variable | |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      (row) =>
        `| \`${row.name}\` | ${row.value} | ${row.default} | ${row.variable} | ${row.doc.replaceAll('|', '\\|')} |`,
    ),
  ].join('\n');
}

function rowsOf(options: OptionTree, path: OptionPath, prefix: OptionPath): Row[] {
  return Object.entries(options).flatMap(([key, node]) => rowsOfNode([...path, key], node, prefix));
}

function rowsOfNode(path: OptionPath, node: OptionNode, prefix: OptionPath): Row[] {
  const name = path.join('.');
  const variable = `\`${variableOf([...prefix, ...path])}\``;
  if (isOption(node)) return [{ name, value: kindOf(node), default: defaultOf(node), variable, doc: docOf(node) }];
  if (isOptionList(node)) {
    const each = node.items as OptionNode; // an option or a tree, and both are nodes
    const items = isOption(each) ? node.default.map((item) => formatValue(item, each)).join(', ') : '';
    return [
      { name, value: `list, each a ${kindOfEach(each)}`, default: `\`[${items}]\``, variable, doc: node.doc },
      ...rowsOfEach([...path, 'N'], each, prefix),
    ];
  }
  if (isOptionMap(node)) {
    const each = node.each as OptionNode; // as above
    const value = `mapping, each a ${kindOfEach(each)}`;
    return [{ name, value, default: '`{}`', variable, doc: node.doc }, ...rowsOfEach([...path, 'KEY'], each, prefix)];
  }
  if (!isOptionalSection(node)) return rowsOf(node, path, prefix);
  return [
    { name, value: 'section', default: 'none', variable: '', doc: node.doc },
    ...rowsOf(node.optional, path, prefix),
  ];
}

function kindOfEach(each: OptionNode): string {
  return isOption(each) ? kindOf(each) : 'section';
}

/** Of what a list or a mapping holds, where that has options; a variable holds it as a whole. */
function rowsOfEach(path: OptionPath, each: OptionNode, prefix: OptionPath): Row[] {
  return isOption(each) ? [] : rowsOfNode(path, each, prefix).map((row) => ({ ...row, variable: '' }));
}

function kindOf(option: Option): string {
  const { format } = option;
  if (Array.isArray(format)) return format.map((choice) => `\`${choice}\``).join(', ');
  return formats[formatOf(option) ?? '']?.kind ?? String(format);
}

function defaultOf(option: Option): string {
  if (option.default === null) return '*required*';
  if (option.default === undefined || option.default === '') return 'none';
  const value = formatValue(option.default, option);
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``;
}

function docOf({ doc, flag }: Option): string {
  return flag === undefined ? doc : `${doc} Flag: \`--${flag}\`.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
