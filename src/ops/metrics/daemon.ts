import type { Summary } from '../../journal/reader.ts';
import { version } from '../process.ts';
import { stuckIn } from '../runtime-snapshot.ts';
import type { Metric, Reading, Sample } from './metric.ts';

/** The journal, and the daemon itself. prom-client adds what is known of the process and of Node. */
export const daemonMetrics: readonly Metric[] = [
  {
    name: 'kazoo_relay_journal_readable',
    type: 'gauge',
    help: '1 while the journal can be read: else all that only it knows is absent here.',
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
    help: 'Bytes of it that count towards journal.maxSize: of the file, not what will be used again.',
    labels: [],
    read: known(({ usedBytes }) => usedBytes),
  },
  {
    name: 'kazoo_relay_journal_max_size_bytes',
    type: 'gauge',
    help: 'Size that the configuration allows it: journal.maxSize.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.maxSize),
  },
  {
    name: 'kazoo_relay_journal_entries',
    type: 'gauge',
    help: 'Notifications in the journal, about.',
    labels: [],
    read: known(({ messages }) => messages),
  },
  {
    name: 'kazoo_relay_journal_oldest_timestamp_seconds',
    type: 'gauge',
    help: 'When the oldest notification in the journal came in, in Unix time; absent while there is none.',
    labels: [],
    read: known(({ oldest }) => (oldest === null ? null : oldest / 1_000)),
  },
  {
    name: 'kazoo_relay_journal_undecodable',
    type: 'gauge',
    help: 'Messages in the journal that could not be decoded, and that nobody has dropped.',
    labels: [],
    read: known(({ undecodable }) => undecodable),
  },
  {
    name: 'kazoo_relay_journal_invalid_bytes',
    type: 'gauge',
    help: 'Bytes that undecodable and invalid notifications take in the journal.',
    labels: [],
    read: known(({ invalidBytes }) => invalidBytes),
  },
  {
    name: 'kazoo_relay_journal_invalid_max_bytes',
    type: 'gauge',
    help: 'Bytes that the configuration allows them: journal.invalidShare of journal.maxSize.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.maxInvalidBytes),
  },
  {
    name: 'kazoo_relay_journal_evicted_total',
    type: 'counter',
    help: 'Undecodable and invalid notifications that were removed because their share was used up, since the journal was made; invalid ones by whether their event is known.',
    labels: ['kind'],
    read: ({ summary }) =>
      (['undecodable', 'unknown', 'known'] as const).flatMap((kind) =>
        summary === null ? [] : { labels: { kind }, value: summary.evicted[kind] },
      ),
  },
  {
    name: 'kazoo_relay_journal_first_evicted_timestamp_seconds',
    type: 'gauge',
    help: 'When the first of them was removed, in Unix time; absent while none was.',
    labels: [],
    read: known(({ evicted: { since } }) => (since === null ? null : since / 1_000)),
  },
  {
    name: 'kazoo_relay_clock_doubted',
    type: 'gauge',
    help: '1 while the clock is more than a day beyond the last sign of life: nothing is removed for its age.',
    labels: [],
    read: ({ snapshot }) => one(snapshot.clock.doubt === null ? 0 : 1),
  },
  {
    name: 'kazoo_relay_stuck',
    type: 'gauge',
    help: 'Links and routes that should move and do not: while there are any, the watchdog is not fed.',
    labels: [],
    read: ({ snapshot }) => one(stuckIn(snapshot).length),
  },
  {
    name: 'kazoo_relay_log_lines_total',
    type: 'counter',
    help: 'Lines of the daemon’s own log, by level; those that were grouped into one count as one.',
    labels: ['level'],
    read: ({ snapshot }) => [...snapshot.lines()].map(([level, value]) => ({ labels: { level }, value })),
  },
  {
    name: 'kazoo_relay_build_info',
    type: 'gauge',
    help: 'Always 1: which version runs, on which Node.',
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
