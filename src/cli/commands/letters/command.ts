import { Command } from 'commander';
import type { Kind } from '../../support/letters/kind.ts';
import type { Terminal } from '../../support/terminal.ts';
import { dropCommand } from './drop.ts';
import { listCommand } from './list.ts';
import { retryCommand } from './retry.ts';
import { showCommand } from './show.ts';

/** The commands of one kind, without a word on what it is. */
export function lettersCommand(terminal: Terminal, kind: Kind): Command {
  return new Command(kind.name)
    .addCommand(listCommand(terminal, kind))
    .addCommand(showCommand(terminal, kind))
    .addCommand(retryCommand(terminal, kind))
    .addCommand(dropCommand(terminal, kind));
}
