import { Argument, Command } from 'commander';
import { bashScript } from '../support/completion/bash.ts';
import { fishScript } from '../support/completion/fish.ts';
import { treeOf } from '../support/completion/tree.ts';
import { zshScript } from '../support/completion/zsh.ts';
import type { Terminal } from '../support/terminal.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function completionCommand(terminal: Terminal): Command {
  return new Command('completion')
    .description('print the script that lets a shell complete commands and options')
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
