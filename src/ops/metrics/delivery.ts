import type { RouteSummary } from '../../journal/reader.ts';
import type { RouteSnapshot } from '../runtime-snapshot.ts';
import { histogramSamples, type Metric, type Reading, type Sample, stateSamples } from './metric.ts';

/** What goes out. Labels that are not ours are the name of a route, from the configuration, and some codes. */
export const deliveryMetrics: readonly Metric[] = [
  {
    name: 'kazoo_relay_delivery_attempts_total',
    type: 'counter',
    help: 'Attempts to deliver one notification that a sink has answered: delivered, retry (failed; retried, or a dead letter after the last attempt), dead.',
    labels: ['route', 'outcome'],
    read: ({ routes }) =>
      routes.flatMap(({ name: route, counts }) =>
        Object.entries(counts.tries).map(([outcome, value]) => ({ labels: { route, outcome }, value })),
      ),
  },
  {
    name: 'kazoo_relay_delivery_failures_total',
    type: 'counter',
    help: 'Failed attempts to deliver one notification, by the code of the response: an HTTP status, an SQLSTATE, a system error.',
    labels: ['route', 'code'],
    read: ({ routes }) =>
      routes.flatMap(({ name: route, counts }) =>
        [...counts.failures].map(([code, value]) => ({ labels: { route, code }, value })),
      ),
  },
  {
    name: 'kazoo_relay_delivery_unavailable_total',
    type: 'counter',
    help: 'Batches returned without an attempt because the sink was unavailable.',
    labels: ['route'],
    read: each(({ counts }) => counts.unavailable),
  },
  {
    name: 'kazoo_relay_dead_letters_total',
    type: 'counter',
    help: 'Notifications that became dead letters.',
    labels: ['route'],
    read: each(({ counts }) => counts.dead),
  },
  {
    name: 'kazoo_relay_condition_failures_total',
    type: 'counter',
    help: 'Notifications skipped because the condition of the route could not be evaluated for them.',
    labels: ['route'],
    read: each(({ activity }) => activity.conditionFailures),
  },
  {
    name: 'kazoo_relay_delivery_latency_seconds',
    type: 'histogram',
    help: 'Time from the arrival of a notification at the daemon to its delivery; long for a replay and for a digest.',
    labels: ['route'],
    read({ routes }) {
      return routes.flatMap(({ name: route, counts }) => histogramSamples(this.name, { route }, counts.sinceReceived));
    },
  },
  {
    name: 'kazoo_relay_batch_duration_seconds',
    type: 'histogram',
    help: 'Time that the sink took to process a batch.',
    labels: ['route'],
    read: batchDurations,
  },
  {
    name: 'kazoo_relay_attempt_duration_seconds',
    type: 'histogram',
    help: 'Deprecated, until 0.3.0: the same as kazoo_relay_batch_duration_seconds.',
    labels: ['route'],
    read: batchDurations,
  },
  {
    name: 'kazoo_relay_circuit_state',
    type: 'gauge',
    help: '1 for the current state of the route’s circuit.',
    labels: ['route', 'state'],
    read: ({ routes }) =>
      routes.flatMap(({ name: route, activity }) =>
        stateSamples({ route }, ['closed', 'open', 'probing'], activity.circuit),
      ),
  },
  {
    name: 'kazoo_relay_route_paused',
    type: 'gauge',
    help: '1 while an operator has paused the route.',
    labels: ['route'],
    read: each(({ activity }) => (activity.paused === null ? 0 : 1)),
  },
  {
    name: 'kazoo_relay_circuit_openings_total',
    type: 'counter',
    help: 'Number of times that the circuit of a route has opened.',
    labels: ['route'],
    read: each(({ counts }) => counts.opened),
  },
  {
    name: 'kazoo_relay_deliveries_in_flight',
    type: 'gauge',
    help: 'Notifications that the sink is processing.',
    labels: ['route'],
    read: each(({ activity }) => activity.inFlight),
  },
  {
    name: 'kazoo_relay_lag_messages',
    type: 'gauge',
    help: 'Notifications in the journal that the route has not passed yet, selected or not.',
    labels: ['route'],
    read: eachKnown(({ lag }) => lag.messages),
  },
  {
    name: 'kazoo_relay_lag_seconds',
    type: 'gauge',
    help: 'How long the first of them has waited.',
    labels: ['route'],
    read: eachKnown(({ lag }) => lag.seconds),
  },
  {
    name: 'kazoo_relay_deliveries_waiting',
    type: 'gauge',
    help: 'Notifications that wait for their next attempt, behind an earlier one of their account, or for their digest.',
    labels: ['route'],
    read: eachKnown(({ waiting }) => waiting),
  },
  {
    name: 'kazoo_relay_deliveries_collecting',
    type: 'gauge',
    help: 'How many of those that wait were never tried, and wait for their digest.',
    labels: ['route'],
    read: eachKnown(({ collecting }) => collecting),
  },
  {
    name: 'kazoo_relay_deliveries_quarantined',
    type: 'gauge',
    help: 'Notifications quarantined for the route because they are invalid or unknown.',
    labels: ['route'],
    read: eachKnown(({ quarantined }) => quarantined),
  },
  {
    name: 'kazoo_relay_deliveries_dead',
    type: 'gauge',
    help: 'Dead letters that nobody has retried or dropped.',
    labels: ['route'],
    read: eachKnown(({ dead }) => dead),
  },
];

function batchDurations(this: Metric, { routes }: Reading): Sample[] {
  return routes.flatMap(({ name: route, counts }) => histogramSamples(this.name, { route }, counts.attempts));
}

function each(pick: (route: RouteSnapshot) => number): (reading: Reading) => Sample[] {
  return ({ routes }) => routes.map((route) => ({ labels: { route: route.name }, value: pick(route) }));
}

/** What only the journal knows; it may remember routes that the configuration has no more. */
function eachKnown(pick: (route: RouteSummary) => number): (reading: Reading) => Sample[] {
  return ({ routes, summary }) => {
    const names = new Set(routes.map(({ name }) => name));
    return (summary?.routes ?? [])
      .filter(({ name }) => names.has(name))
      .map((route) => ({ labels: { route: route.name }, value: pick(route) }));
  };
}
