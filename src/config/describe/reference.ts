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
import { asWritten } from '../check/values.ts';
import type { Path } from '../diagnostics.ts';
import { formatOf, formats } from '../formats.ts';
import { brokerOptions, kazooConfigOptions, rootOptions, routeOptions } from '../options.ts';
import { variableOf } from '../read/variables.ts';

/** docs/configuration.md: every option that there is, from where it is declared. */
export function referenceText(): string {
  const sinks = sinkDeclarations.map(
    (kind) => `### ${kind.type}\n\n${sentence(kind.summary)}\n\n${table(kind.options, ['routes', 'NAME', 'sink'])}`,
  );
  return `${head}
## brokers

A list; each element has:

${table(brokerOptions, ['brokers', 0])}

The second broker's variables have a 1 in place of the 0, and so on. Or, in place of the list, a mapping that names KAZOO's own
configuration, from which zones and URIs are taken, as in \`brokers: { kazooConfig: /etc/kazoo/core/config.ini }\`.
A change of that file is a reload by itself:

${table(kazooConfigOptions, ['brokers'])}

## routes

A mapping; each key is the name of a route, which stands for NAME in the variables (\`my-crm\` is \`MY_CRM\`). Each value has a
\`sink\` (see below) and:

${table(routeOptions, ['routes', 'NAME'])}

## sink

\`type\` says which one it is; its other options depend on it.

${sinks.join('\n\n')}

## Everything else

${table(rootOptions, [])}
`;
}

const head = `# Configuration

One file, YAML or JSON: that of \`--config\`, else of \`KAZOO_RELAY_CONFIG\`, else \`/etc/kazoo-relay/kazoo-relay.yaml\`, else
\`config/kazoo-relay.yaml\`. [config/kazoo-relay.yaml](../config/kazoo-relay.yaml) is an example to begin with.
\`kazoo-relay check\` tells all mistakes at once, each with its file, line and column, and what is surely not meant;
\`kazoo-relay config show --origin\` shows every value and where it comes from. Relative paths belong to the working directory, but
for those of \`include\`; \`~\` means something to shells only, and is refused. This page is made from the program's own options by
\`npm run reference\`.

**What goes before what**: a flag of \`run\` (\`--log-level\`, \`--log-format\`, and \`--set OPTION=VALUE\` for all others, such as
\`--set intake.prefetch=200\`), then the environment variable that stands beside each option below, then the file, then the
default. In variables and flags, lists are written with commas, and mappings \`{name: value}\`. Variables and flags set the options
of brokers and routes that the file has. A variable that begins with \`KAZOO_RELAY_\` and sets nothing is warned of.

**Durations** are written \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`; **sizes** \`512KiB\`, \`64MiB\`, \`10GiB\`. A number
without a unit is a mistake, but for 0.

**Values from elsewhere**: anywhere in a value may stand

- \`\${env:NAME}\`, an environment variable;
- \`\${file:/run/secrets/name}\`, what a file holds, without the line end at its end (an empty one is a mistake);
- \`\${credential:name}\`, a credential that systemd hands over (\`LoadCredential=name:/path\` in the unit);

each with a default where that isn't there, as in \`\${env:NAME:-default}\`; for a variable, also where it is empty. \`$\${\` is a
\`\${\` that stands for itself.

    url: amqp://kazoo-relay:\${credential:rabbitmq}@10.0.0.11:5672

What goes into a URL as user name or password has \`@\` written as \`%40\`, \`/\` as \`%2F\`, \`:\` as \`%3A\`, \`#\` as \`%23\`, \`?\`
as \`%3F\`, also in the file or variable that it comes from.

**Routes in files of their own**: \`include: conf.d/*.yaml\` adds the \`routes\` of those files; they hold nothing else. The same
route in two files is a mistake.

**In an editor** with a YAML language server, the first line of a file may be

    # yaml-language-server: $schema=https://example.com/kazoo-relay.schema.json

with the URL or path of [config/kazoo-relay.schema.json](../config/kazoo-relay.schema.json), which \`kazoo-relay config schema\`
prints: the editor then completes options, shows what they mean, and marks what is wrong.
`;

interface Row {
  readonly name: string;
  readonly value: string;
  readonly default: string;
  readonly variable: string;
  readonly doc: string;
}

/** @param prefix where the options stand in the file */
function table(options: OptionTree, prefix: Path): string {
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

function rowsOf(options: OptionTree, path: Path, prefix: Path): Row[] {
  return Object.entries(options).flatMap(([key, node]) => rowsOfNode([...path, key], node, prefix));
}

function rowsOfNode(path: Path, node: OptionNode, prefix: Path): Row[] {
  const name = path.join('.');
  const variable = `\`${variableOf([...prefix, ...path])}\``;
  if (isOption(node)) return [{ name, value: kindOf(node), default: defaultOf(node), variable, doc: docOf(node) }];
  if (isOptionList(node)) {
    const items = node.default.map((item) => asWritten(item, node.items)).join(', ');
    return [{ name, value: `list, each a ${kindOf(node.items)}`, default: `\`[${items}]\``, variable, doc: node.doc }];
  }
  if (isOptionMap(node)) {
    const each = node.each as OptionNode; // an option or a tree, and both are nodes
    const value = `mapping, each a ${isOption(each) ? kindOf(each) : 'section'}`;
    // A variable holds such a mapping as a whole.
    const inner = isOption(each)
      ? []
      : rowsOfNode([...path, 'KEY'], each, prefix).map((row) => ({ ...row, variable: '' }));
    return [{ name, value, default: '`{}`', variable, doc: node.doc }, ...inner];
  }
  if (!isOptionalSection(node)) return rowsOf(node, path, prefix);
  return [
    { name, value: 'section', default: 'none', variable: '', doc: node.doc },
    ...rowsOf(node.optional, path, prefix),
  ];
}

function kindOf(option: Option): string {
  const { format } = option;
  if (Array.isArray(format)) return format.map((choice) => `\`${choice}\``).join(', ');
  return formats[formatOf(option) ?? '']?.kind ?? String(format);
}

function defaultOf(option: Option): string {
  if (option.default === null) return '*required*';
  if (option.default === undefined || option.default === '') return 'none';
  const value = asWritten(option.default, option);
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``;
}

function docOf({ doc, flag }: Option): string {
  return flag === undefined ? doc : `${doc} Flag: \`--${flag}\`.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
