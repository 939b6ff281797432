import { Command } from 'commander';
import { dropCommand } from './dead/drop.ts';
import { listCommand } from './dead/list.ts';
import { retryCommand } from './dead/retry.ts';
import { showCommand } from './dead/show.ts';

export function deadCommand(): Command {
  return new Command('dead')
    .description('dead letters and quarantine: list, show, retry, drop')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(retryCommand())
    .addCommand(dropCommand())
    .addHelpText('after', help);
}

const help = `
States: dead (given up), quarantined (invalid or unknown, and its route wants only valid ones), undecodable (not even JSON).
Exit code: 0 done, or there was nothing to do, 2 not.

Examples:
  kazoo-relay dead list --group
  kazoo-relay dead show 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55
  kazoo-relay dead retry --route crm --event voicemail_new
  kazoo-relay dead drop --route crm --yes`;
