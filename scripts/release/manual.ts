import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { createTerminal } from '../../src/cli/support/terminal.ts';

/** The manual page of the command, for `man`: what its help says, each command below the other. @param epoch Unix seconds */
export async function manualPage(version: string, epoch: number): Promise<string> {
  const quiet = new PassThrough();
  const terminal = createTerminal({ stdin: quiet, stdout: quiet, stderr: quiet, env: {} });
  const program = await createProgram(['--help'], terminal);
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  return [
    `.TH KAZOO\\-RELAY 1 ${date} "kazoo\\-relay ${escaped(version)}"`,
    '.SH NAME',
    'kazoo\\-relay \\- delivers the notifications of a KAZOO phone system',
    '.SH SYNOPSIS',
    '.B kazoo\\-relay',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    textLine(program.description()),
    ...optionLines(program),
    ...proseLines(helpAfter(program)),
    '.SH COMMANDS',
    ...commandsBelow(program).flatMap((command) => commandLines(command, '')),
    '.SH FILES',
    ...files.flatMap(([path, what]) => ['.TP', `.I ${escaped(path)}`, textLine(what)]),
    '.SH SEE ALSO',
    '.BR systemctl (1),',
    '.BR journalctl (1);',
    '.I /usr/share/doc/kazoo\\-relay/README.md',
    '',
  ].join('\n');
}

const files = [
  [
    '/etc/kazoo-relay/kazoo-relay.yaml',
    'The configuration, where neither --config nor KAZOO_RELAY_CONFIG names another.',
  ],
  ['/var/lib/kazoo-relay', 'The journal.'],
  ['/var/log/kazoo-relay', 'For sinks that write files.'],
] as const;

function commandsBelow(command: Command): Command[] {
  const visible = command.createHelp().visibleCommands(command);
  return command.commands.filter((inner) => visible.includes(inner));
}

/** A command, and those below it. @param above the names before its own, with a space at the end */
function commandLines(command: Command, above: string): string[] {
  const name = above + command.name();
  const below = commandsBelow(command);
  const own = [
    `.SS "${escaped(`${name} ${command.usage()}`)}"`,
    textLine(`${command.description().replace(/^./, (first) => first.toUpperCase())}.`),
    ...optionLines(command),
    ...proseLines(helpAfter(command)),
  ];
  return [...own, ...below.flatMap((inner) => commandLines(inner, `${name} `))];
}

function optionLines(command: Command): string[] {
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const operands = help.visibleArguments(command).filter(({ description }) => description !== '');
  return [
    ...operands.flatMap((one) => ['.TP', `.I ${escaped(one.name())}`, textLine(help.argumentDescription(one))]),
    ...options.flatMap((one) => ['.TP', `.B ${escaped(one.flags)}`, textLine(help.optionDescription(one))]),
  ];
}

/** What a command's help has below its options. */
function helpAfter(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text.slice(command.helpInformation().length);
}

/** Paragraphs are filled; what is indented stays as it is. */
function proseLines(text: string): string[] {
  const lines = text.trim().split('\n');
  return lines
    .flatMap((line, at) => {
      const isLiteral = line.startsWith('  ');
      const wasLiteral = lines[at - 1]?.startsWith('  ') ?? false;
      const change = isLiteral === wasLiteral ? [] : isLiteral ? ['.RS', '.nf'] : ['.fi', '.RE'];
      const starts = at === 0 || /^(Exit codes?|Examples?):/.test(line);
      return [...change, ...(starts || line === '' ? ['.PP'] : []), ...(line === '' ? [] : [textLine(line.trim())])];
    })
    .concat(lines.at(-1)?.startsWith('  ') ? ['.fi', '.RE'] : []);
}

/** A line of text: neither an apostrophe nor a dot at its beginning may make it a request. */
function textLine(text: string): string {
  return escaped(text).replace(/^(?=[.'])/gm, '\\&');
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replace(/\u2026/g, '...');
}
