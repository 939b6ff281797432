import type { BrokerSnapshot } from '../runtime-snapshot.ts';
import { histogramSamples, type Metric, type Reading, type Sample, stateSamples } from './metric.ts';

/** What comes in. Labels are bounded by the configuration and by the catalogue of events, whatever arrives. */
export const intakeMetrics: readonly Metric[] = [
  {
    name: 'kazoo_relay_notifications_total',
    type: 'counter',
    help: 'Messages committed to the journal, or dropped because it had a notification with the same id, by outcome.',
    labels: ['zone', 'event', 'outcome'],
    read: ({ brokers }) =>
      brokers.flatMap(({ zone, intake }) =>
        [...intake.byEvent].flatMap(([event, counts]) =>
          intake.outcomes
            .map((outcome, index) => ({ labels: { zone, event, outcome }, value: counts[index] ?? 0 }))
            .filter(({ value }) => value > 0),
        ),
      ),
  },
  {
    name: 'kazoo_relay_validation_problems_total',
    type: 'counter',
    help: 'Problems found by decoding and validation, by JSON Schema keyword or the decoder’s own.',
    labels: ['zone', 'event', 'keyword'],
    read: ({ brokers }) =>
      brokers.flatMap(({ zone, intake }) =>
        [...intake.problems].flatMap(([event, counts]) =>
          [...counts].map(([keyword, value]) => ({ labels: { zone, event, keyword }, value })),
        ),
      ),
  },
  {
    name: 'kazoo_relay_intake_latency_seconds',
    type: 'histogram',
    help: 'Time from the arrival of a message to its commit in the journal.',
    labels: ['zone', 'broker'],
    read({ brokers }) {
      return brokers.flatMap((broker) => histogramSamples(this.name, of(broker), broker.intake.sinceReceived));
    },
  },
  {
    name: 'kazoo_relay_publish_latency_seconds',
    type: 'histogram',
    help: 'Time from KAZOO’s timestamp of a message to its commit in the journal, by the clocks of two machines.',
    labels: ['zone', 'broker'],
    read({ brokers }) {
      return brokers.flatMap((broker) => histogramSamples(this.name, of(broker), broker.intake.sincePublished));
    },
  },
  {
    name: 'kazoo_relay_broker_state',
    type: 'gauge',
    help: '1 for the current state of the link to the broker.',
    labels: ['zone', 'broker', 'state'],
    read: ({ brokers }) =>
      brokers.flatMap((broker) => stateSamples(of(broker), ['connecting', 'consuming', 'away'], broker.state)),
  },
  {
    name: 'kazoo_relay_broker_received_total',
    type: 'counter',
    help: 'Messages received from the broker, including redeliveries.',
    labels: ['zone', 'broker'],
    read: each(({ received }) => received),
  },
  {
    name: 'kazoo_relay_broker_reconnects_total',
    type: 'counter',
    help: 'Number of times that consuming was resumed.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => Math.max(0, link.sessions - 1)),
  },
  {
    name: 'kazoo_relay_broker_failures_total',
    type: 'counter',
    help: 'Number of connections that failed or could not be opened.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => link.failures),
  },
  {
    name: 'kazoo_relay_broker_stalls_total',
    type: 'counter',
    help: 'Number of connections that the stall watch closed because they seemed alive but delivered nothing.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => link.stalls),
  },
  {
    name: 'kazoo_relay_broker_queue_messages',
    type: 'gauge',
    help: 'Messages ready in our queue at the last check of the stall watch; absent while nothing is consumed.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => link.depth),
  },
  {
    name: 'kazoo_relay_broker_queue_max_messages',
    type: 'gauge',
    help: 'Maximum length of our queue; beyond it, the broker silently drops the oldest messages.',
    labels: ['zone', 'broker'],
    read: (reading) => each(() => reading.snapshot.maxQueue)(reading),
  },
  {
    name: 'kazoo_relay_intake_paused',
    type: 'gauge',
    help: '1 while the journal is not writable and intake is paused.',
    labels: ['zone', 'broker'],
    read: each(({ paused }) => (paused ? 1 : 0)),
  },
  {
    name: 'kazoo_relay_intake_held_messages',
    type: 'gauge',
    help: 'Messages received but not yet in the journal.',
    labels: ['zone', 'broker'],
    read: each(({ held }) => held),
  },
];

function of({ zone, broker }: BrokerSnapshot): { zone: string; broker: string } {
  return { zone, broker };
}

/** One sample for each broker of which there is something to say. */
function each(pick: (broker: BrokerSnapshot) => number | null): (reading: Reading) => Sample[] {
  return ({ brokers }) =>
    brokers.flatMap((broker) => {
      const value = pick(broker);
      return value === null ? [] : [{ labels: of(broker), value }];
    });
}
