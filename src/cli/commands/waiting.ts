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
    description: 'attempt now instead of on schedule; later attempts keep their schedule',
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
    .description('list, show, retry or drop deliveries that wait for their next attempt')
    .addHelpText('after', help);
}

const help = `
The next attempt is "-" for a delivery that waits behind an earlier one of its account. What a route hasn't reached yet is not
listed: "kazoo-relay status" counts it as lag.
Exit code: 0 done, or nothing to do, 2 not done.

Examples:
  kazoo-relay waiting list --group
  kazoo-relay waiting retry --route crm
  kazoo-relay waiting drop --route crm --event register --yes`;
