import { Command } from 'commander';
import { dropCommand } from './drop.ts';
import type { Kind } from './kind.ts';
import { listCommand } from './list.ts';
import { retryCommand } from './retry.ts';
import { showCommand } from './show.ts';

/** The commands of one kind, without a word on what it is. */
export function lettersCommand(kind: Kind): Command {
  return new Command(kind.name)
    .addCommand(listCommand(kind))
    .addCommand(showCommand(kind))
    .addCommand(retryCommand(kind))
    .addCommand(dropCommand(kind));
}
