import type { Argument, Command, Option } from 'commander';
import { events } from '../../../kazoo/catalogue.ts';

/** A command as a shell has to know it. */
export interface CommandNode {
  /** The words that lead to it, such as `dead list`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionNode[];
  /** What its arguments may be. */
  readonly argument: Value | null;
}

export interface OptionNode {
  /** `-c`, if there is one. */
  readonly short: string | undefined;
  readonly long: string;
  readonly description: string;
  /** Null where it takes none. */
  readonly value: Value | null;
}

/** What may stand there: one of these words, a file or a folder, or anything. */
export type Value = readonly string[] | 'file' | 'folder' | 'anything';

/** The program and every command below it. What the default command takes, the program takes too. */
export function treeOf(program: Command): CommandNode[] {
  const nodes = nodesOf(program, '');
  const [top, ...others] = nodes;
  const run = others.find(({ path }) => path === defaultCommand);
  if (top === undefined || run === undefined) return nodes;
  const own = new Set(top.options.map(({ long }) => long));
  return [{ ...top, options: [...top.options, ...run.options.filter(({ long }) => !own.has(long))] }, ...others];
}

const defaultCommand = 'run';

function nodesOf(command: Command, path: string): CommandNode[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const node: CommandNode = {
    path,
    commands: commands.map((inner) => ({ name: inner.name(), description: inner.description() })),
    options: help.visibleOptions(command).map(optionNode),
    argument: command.registeredArguments[0] === undefined ? null : valueOfArgument(command.registeredArguments[0]),
  };
  const below = command.commands.filter((inner) => commands.includes(inner));
  return [node, ...below.flatMap((inner) => nodesOf(inner, `${path} ${inner.name()}`.trim()))];
}

function optionNode(option: Option): OptionNode {
  const { short, long = '', description } = option;
  const takesValue = option.required || option.optional;
  return { short, long, description, value: takesValue ? valueOfOption(option) : null };
}

function valueOfOption({ argChoices, flags, long = '' }: Option): Value {
  const placeholder = /^--events?$/.test(long) ? 'event' : /[<[](\w+)/.exec(flags)?.[1];
  return argChoices ?? named(placeholder ?? '');
}

function valueOfArgument(argument: Argument): Value {
  return argument.argChoices ?? named(argument.name());
}

/** By what the help calls it. */
function named(name: string): Value {
  if (/^(file|path)s?$/.test(name)) return 'file';
  if (/^folders?$/.test(name)) return 'folder';
  return /^events?$/.test(name) ? events.map((event) => event.name) : 'anything';
}
