import type { Command } from 'commander';
import type { PartialConfig } from '../../config/load.ts';
import { routeIsGone } from '../support/deliveries/messages.ts';
import { type DeliveryKind, type RetryCheck, retryEach } from '../support/deliveries/selection.ts';
import type { Terminal } from '../support/terminal.ts';
import { deliveriesCommand } from './deliveries/command.ts';

const waiting: DeliveryKind = {
  name: 'waiting',
  states: ['waiting'],
  isLook: false,
  none: 'nothing waits for its next try',
  denied: 'it does not wait for its next try',
  detail: { head: 'NEXT TRY', of: ({ dueAt }, time) => (dueAt === null ? '-' : time(dueAt)) },
  retry: {
    description: "try now, without waiting for the schedule; the schedule's other tries stay as they are",
    done: 'due now',
    steps: (store, config, which, act) =>
      retryEach(store, which, createRetryCheck(config), (records) => act.hasten(records)),
  },
};

function createRetryCheck({ routes }: PartialConfig): RetryCheck {
  const names = new Set(routes.map(({ name }) => name));
  return ({ route, dueAt }) => {
    if (!names.has(route)) return routeIsGone(route);
    return dueAt === null ? 'behind an earlier one of the same account, which goes first' : null;
  };
}

export function waitingCommand(terminal: Terminal): Command {
  return deliveriesCommand(terminal, waiting)
    .description('deliveries that wait for their next try: list, show, retry now, drop')
    .addHelpText('after', help);
}

const help = `
The next try is "-" where it waits behind an earlier one of its account. What a route hasn't come to yet isn't listed: see status.
Exit code: 0 done, or there was nothing to do, 2 not.

Examples:
  kazoo-relay waiting list --group
  kazoo-relay waiting retry --route crm
  kazoo-relay waiting drop --route crm --event register --yes`;
