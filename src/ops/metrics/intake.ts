import type { BrokerSnapshot } from '../runtime-snapshot.ts';
import { histogramSamples, type Metric, type Reading, type Sample, stateSamples } from './metric.ts';

/** What comes in. Labels are bounded by the configuration and by the catalogue of events, whatever arrives. */
export const intakeMetrics: readonly Metric[] = [
  {
    name: 'kazoo_relay_notifications_total',
    type: 'counter',
    help: 'Messages that were committed to the journal, or dropped because it had a notification of the same id, by what they turned out to be.',
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
    help: 'Problems that decoding and validation found, by the keyword of JSON Schema, or the word of the decoder.',
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
    help: 'Time from the timestamp that KAZOO gave a message to its commit in the journal: by two clocks.',
    labels: ['zone', 'broker'],
    read({ brokers }) {
      return brokers.flatMap((broker) => histogramSamples(this.name, of(broker), broker.intake.sincePublished));
    },
  },
  {
    name: 'kazoo_relay_broker_state',
    type: 'gauge',
    help: '1 for the state that the link to a broker is in.',
    labels: ['zone', 'broker', 'state'],
    read: ({ brokers }) =>
      brokers.flatMap((broker) => stateSamples(of(broker), ['connecting', 'consuming', 'away'], broker.state)),
  },
  {
    name: 'kazoo_relay_broker_received_total',
    type: 'counter',
    help: 'Messages that a broker has sent, those that it sent again too.',
    labels: ['zone', 'broker'],
    read: each(({ received }) => received),
  },
  {
    name: 'kazoo_relay_broker_reconnects_total',
    type: 'counter',
    help: 'How often consuming has begun again.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => Math.max(0, link.sessions - 1)),
  },
  {
    name: 'kazoo_relay_broker_failures_total',
    type: 'counter',
    help: 'How often a connection to a broker has ended or could not be made.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => link.failures),
  },
  {
    name: 'kazoo_relay_broker_stalls_total',
    type: 'counter',
    help: 'How often the stall watch has ended a connection that looked alive and delivered nothing.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => link.stalls),
  },
  {
    name: 'kazoo_relay_broker_queue_messages',
    type: 'gauge',
    help: 'Messages that were ready in our queue when the stall watch last looked; absent while nothing is consumed.',
    labels: ['zone', 'broker'],
    read: each(({ link }) => link.depth),
  },
  {
    name: 'kazoo_relay_broker_queue_max_messages',
    type: 'gauge',
    help: 'Messages that our queue may hold; the broker drops the oldest beyond it, and tells nobody.',
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
    help: 'Messages that are taken and not yet in the journal.',
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
