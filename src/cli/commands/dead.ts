import type { Command } from 'commander';
import type { Kind } from '../support/letters/kind.ts';
import { createJudge } from '../support/letters/quarantine.ts';
import type { Terminal } from '../support/terminal.ts';
import { lettersCommand } from './letters/command.ts';

const dead: Kind = {
  name: 'dead',
  states: ['dead', 'quarantined', 'undecodable'],
  none: 'nothing is dead or quarantined',
  denied: 'it is not dead or quarantined',
  detail: { head: 'STATE', of: ({ state }) => state },
  retry: {
    description: 'deliver again; what is quarantined is validated again first',
    done: 'will be delivered again',
    change: (store, records) => store.retry(records),
    judge: createJudge,
  },
};

export function deadCommand(terminal: Terminal): Command {
  return lettersCommand(terminal, dead)
    .description('dead letters and quarantine: list, show, retry, drop')
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
