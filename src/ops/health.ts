import { pluralize } from '../common/text/format.ts';
import type { BrokerSnapshot, RuntimeSnapshot } from './runtime-snapshot.ts';

/** What should move and doesn't: empty while all is well. A broker or a sink that is away keeps nothing from moving. */
export function stuckIn({ brokers, routes }: Pick<RuntimeSnapshot, 'brokers' | 'routes'>): string[] {
  return [
    ...brokers()
      .filter(({ stuck }) => stuck)
      .map(({ zone, broker }) => `the link to ${broker} (zone ${zone})`),
    ...routes()
      .filter(({ stuck }) => stuck)
      .map(({ name }) => `the route ${name}`),
  ];
}

/**
 * Why the daemon doesn't take all that it should, or can't deliver what it has taken; empty while it does. A sink that is
 * away is no such reason: what it should get waits in the journal.
 */
export function unreadyIn({
  brokers,
  routes,
  journalProblem,
}: Pick<RuntimeSnapshot, 'brokers' | 'routes' | 'journalProblem'>): string[] {
  return [
    ...(journalProblem === null ? [] : [`the journal: ${journalProblem}`]),
    ...brokers().flatMap((broker) => {
      const name = `${broker.broker} (zone ${broker.zone})`;
      if (broker.paused) return [`${name}: journal not writable: ${broker.reason}`];
      return broker.state === 'consuming' ? [] : [`${name}: ${stateOf(broker)}`];
    }),
    ...routes().flatMap(({ name, activity: { interrupted } }) =>
      interrupted === undefined ? [] : [`the route ${name} is interrupted: ${interrupted}`],
    ),
  ];
}

function stateOf({ state, reason }: BrokerSnapshot): string {
  return reason === null ? state : `${state}: ${reason}`;
}

/** What goes on, in one line, for `systemctl status`. It changes when a state does, not with every notification. */
export function summaryOf({ brokers, routes }: Pick<RuntimeSnapshot, 'brokers' | 'routes'>): string {
  const links = brokers();
  const consuming = links.filter(({ state, paused }) => state === 'consuming' && !paused);
  const held = routes().filter(({ activity }) => activity.circuit !== 'closed');
  const parts = [`consuming from ${consuming.length} of ${pluralize(links.length, 'broker')}`];
  if (links.some(({ paused }) => paused)) parts.push('journal not writable');
  parts.push(`${routes().length - held.length} of ${pluralize(routes().length, 'route')} delivering`);
  if (held.length > 0) parts.push(`sink away: ${held.map(({ name }) => name).join(', ')}`);
  return parts.join('; ');
}
