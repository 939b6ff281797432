import { Argument, Command, type Option } from 'commander';
import { events } from '../../kazoo/catalogue.ts';
import { relayEvents } from '../../kazoo/relay-events.ts';
import {
  bashScript,
  type CommandNode,
  fishScript,
  type OptionNode,
  type Value,
  zshScript,
} from '../support/completion.ts';
import type { Terminal } from '../support/terminal.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function completionCommand(terminal: Terminal): Command {
  return new Command('completion')
    .description('print the script that lets a shell complete commands, options, events and routes')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(scripts)))
    .addHelpText('after', help)
    .action(async (shell: keyof typeof scripts, _options: object, { parent }: Command) => {
      // A command that is run has a program above it.
      if (parent !== null) await terminal.print(scripts[shell](treeOf(parent)).trimEnd());
    });
}

const help = `
Exit code: 0 printed, 2 no such shell.

Examples:
  source <(kazoo-relay completion bash)
  kazoo-relay completion bash > /etc/bash_completion.d/kazoo-relay
  kazoo-relay completion zsh > /usr/local/share/zsh/site-functions/_kazoo-relay
  kazoo-relay completion fish > ~/.config/fish/completions/kazoo-relay.fish`;

/** The program and every command below it. What the default command takes, the program takes too. */
function treeOf(program: Command): CommandNode[] {
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
  const placeholder = /^--(event|route)s?$/.exec(long)?.[1] ?? /[<[]([\w-]+)/.exec(flags)?.[1];
  return argChoices ?? named(placeholder ?? '');
}

function valueOfArgument(argument: Argument): Value {
  return argument.argChoices ?? named(argument.name());
}

/** By its name in the help. */
function named(name: string): Value {
  if (/^(file|path)s?$/.test(name)) return 'file';
  if (/^folders?$/.test(name)) return 'folder';
  if (name === 'route' || name === 'former-route') return name;
  return /^events?$/.test(name) ? [...events, ...relayEvents].map((event) => event.name) : 'anything';
}
