import type { Summary } from '../../journal/reader.ts';
import { version } from '../process.ts';
import { stuckIn } from '../runtime-snapshot.ts';
import type { Metric, Reading, Sample } from './metric.ts';

/** The journal, and the daemon itself. prom-client adds what is known of the process and of Node. */
export const daemonMetrics: readonly Metric[] = [
  {
    name: 'kazoo_relay_journal_readable',
    type: 'gauge',
    help: '1 while the journal can be read; otherwise the metrics that are read from it are absent.',
    labels: [],
    read: ({ summary }) => one(summary === null ? 0 : 1),
  },
  {
    name: 'kazoo_relay_journal_size_bytes',
    type: 'gauge',
    help: 'Size of the journal on disk.',
    labels: [],
    read: known(({ bytes }) => bytes),
  },
  {
    name: 'kazoo_relay_journal_used_bytes',
    type: 'gauge',
    help: 'Bytes of it that count towards journal.maxSize: without free space in the file that will be reused.',
    labels: [],
    read: known(({ usedBytes }) => usedBytes),
  },
  {
    name: 'kazoo_relay_journal_max_size_bytes',
    type: 'gauge',
    help: 'Maximum size of the journal: journal.maxSize.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.maxSize),
  },
  {
    name: 'kazoo_relay_journal_entries',
    type: 'gauge',
    help: 'Approximate number of notifications in the journal.',
    labels: [],
    read: known(({ messages }) => messages),
  },
  {
    name: 'kazoo_relay_journal_oldest_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time at which the oldest notification in the journal arrived; absent while there is none.',
    labels: [],
    read: known(({ oldest }) => (oldest === null ? null : oldest / 1_000)),
  },
  {
    name: 'kazoo_relay_journal_undecodable',
    type: 'gauge',
    help: 'Undecodable messages in the journal that nobody has dropped.',
    labels: [],
    read: known(({ undecodable }) => undecodable),
  },
  {
    name: 'kazoo_relay_journal_invalid_bytes',
    type: 'gauge',
    help: 'Bytes that undecodable and invalid notifications use in the journal.',
    labels: [],
    read: known(({ invalidBytes }) => invalidBytes),
  },
  {
    name: 'kazoo_relay_journal_invalid_max_bytes',
    type: 'gauge',
    help: 'Maximum of these bytes: journal.invalidShare of journal.maxSize.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.maxInvalidBytes),
  },
  {
    name: 'kazoo_relay_journal_evicted_total',
    type: 'counter',
    help: 'Undecodable and invalid notifications removed because their share was used up, since the journal was created; invalid ones by whether their event is known.',
    labels: ['kind'],
    read: ({ summary }) =>
      (['undecodable', 'unknown', 'known'] as const).flatMap((kind) =>
        summary === null ? [] : { labels: { kind }, value: summary.evicted[kind] },
      ),
  },
  {
    name: 'kazoo_relay_journal_first_evicted_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time at which the first of them was removed; absent while none was.',
    labels: [],
    read: known(({ evicted: { since } }) => (since === null ? null : since / 1_000)),
  },
  {
    name: 'kazoo_relay_drift_kinds',
    type: 'gauge',
    help: 'Kinds of drift: unknown fields, and problems by path and keyword, that notifications of the event have had. All events without a schema count as unknown.',
    labels: ['event'],
    read: ofDrift((kinds) => kinds.length),
  },
  {
    name: 'kazoo_relay_drift_newest_kind_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time at which the newest of them was first seen.',
    labels: ['event'],
    read: ofDrift((kinds) => Math.max(...kinds.map(({ first }) => first)) / 1_000),
  },
  {
    name: 'kazoo_relay_expected_overdue',
    type: 'gauge',
    help: '1 while an event of `expect` has not come for too long; an empty zone is all of them.',
    labels: ['event', 'zone'],
    read: ({ snapshot }) =>
      snapshot.expected().map((one) => ({
        labels: { event: one.event, zone: one.zone ?? '' },
        value: snapshot.overdue().some(({ event, zone }) => event === one.event && zone === one.zone) ? 1 : 0,
      })),
  },
  {
    name: 'kazoo_relay_journal_degraded',
    type: 'gauge',
    help:
      '1 while the database of a shared journal is away, and nothing is delivered; and until all that was kept in journal.spool ' +
      'meanwhile is in it.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.degraded === null ? 0 : 1),
  },
  {
    name: 'kazoo_relay_journal_spooled',
    type: 'gauge',
    help: 'Notifications in journal.spool that are not in the database of the journal yet.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.degraded?.spooled ?? 0),
  },
  {
    name: 'kazoo_relay_journal_daemons',
    type: 'gauge',
    help: 'Daemons that share the journal and run; 0 where it is not shared.',
    labels: [],
    read: known(({ daemons }) => daemons.filter(({ lives }) => lives).length),
  },
  {
    name: 'kazoo_relay_routes_unheld',
    type: 'gauge',
    help: 'Routes of the configuration that no daemon runs, of those that share the journal; 0 where it is not shared.',
    labels: [],
    read: ({ snapshot, summary }) => {
      if (summary === null) return [];
      const held = new Set(summary.routes.filter(({ holder }) => holder !== null).map(({ name }) => name));
      return one(summary.daemons.length === 0 ? 0 : snapshot.configured().filter((name) => !held.has(name)).length);
    },
  },
  {
    name: 'kazoo_relay_clock_doubted',
    type: 'gauge',
    help: '1 while the clock is more than a day ahead of the last sign of life, and nothing is removed because of its age.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.clock.doubt === null ? 0 : 1),
  },
  {
    name: 'kazoo_relay_memory_buffers_bytes',
    type: 'gauge',
    help: 'Memory that notifications in work take, about: at intake, read from the journal, and with the sinks.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.memory.used),
  },
  {
    name: 'kazoo_relay_memory_buffers_max_bytes',
    type: 'gauge',
    help: 'Maximum of these bytes: memory.buffers.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.memory.limit),
  },
  {
    name: 'kazoo_relay_stuck',
    type: 'gauge',
    help: 'Links and routes that make no progress although they should; while there are any, the watchdog is not notified.',
    labels: [],
    read: ({ snapshot }) => one(stuckIn(snapshot).length),
  },
  {
    name: 'kazoo_relay_log_lines_total',
    type: 'counter',
    help: 'Lines of the daemon’s own log, by level; lines grouped into one count as one.',
    labels: ['level'],
    read: ({ snapshot }) => [...snapshot.lines()].map(([level, value]) => ({ labels: { level }, value })),
  },
  {
    name: 'kazoo_relay_build_info',
    type: 'gauge',
    help: 'Always 1; the labels are the versions of kazoo-relay and Node.',
    labels: ['version', 'node'],
    read: () => [{ labels: { version, node: process.version }, value: 1 }],
  },
];

function one(value: number): Sample[] {
  return [{ labels: {}, value }];
}

function known(pick: (summary: Summary) => number | null): (reading: Reading) => Sample[] {
  return ({ summary }) => {
    const value = summary === null ? null : pick(summary);
    return value === null ? [] : one(value);
  };
}

/** One sample for each event that has drift: of what no schema is for, the names are many, and anybody's. */
function ofDrift(pick: (kinds: Summary['drift']) => number): (reading: Reading) => Sample[] {
  return ({ summary }) =>
    [...Map.groupBy(summary?.drift ?? [], ({ known, event }) => (known ? event : 'unknown'))].map(([event, kinds]) => ({
      labels: { event },
      value: pick(kinds),
    }));
}
