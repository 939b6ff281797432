import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stringify } from 'yaml';
import { type Daemon, startDaemon } from './daemon.ts';

/** A daemon with a folder of its own: configuration, journal, and what its sinks have written. */
export interface TestRelay {
  readonly folder: string;
  readonly config: string;
  readonly journal: string;
  readonly isStarted: boolean;
  /** The one that was started last. */
  readonly daemon: Daemon;
  path(name: string): string;
  start(...args: string[]): Daemon;
  /** With more in its environment. */
  startWith(variables: Record<string, string>): Daemon;
  /** What SQL says of the journal. */
  rows(sql: string): Record<string, unknown>[];
  /** How many notifications the journal has. */
  journalled(): number;
  /** How many its spool has, where it shares its journal. */
  spooled(): number;
  /** The `msg_id` of each whole line of a file that a sink has written, oldest first. */
  lines(name: string): string[];
  close(): Promise<void>;
}

/**
 * @param options of the configuration, beside brokers and log
 * @param journal where the journal is, if not in the relay's own folder
 */
export function testRelay(
  url: string,
  options: (path: (name: string) => string) => object,
  journal?: string,
): TestRelay {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-fault-'));
  const path = (name: string) => join(folder, name);
  const config = path('config.yaml');
  const journalFolder = journal ?? path('journal');
  const whole = {
    brokers: [{ zone: 'west', url }],
    journal: { path: journalFolder },
    log: { format: 'json' },
    http: { listen: 'off' },
  };
  mkdirSync(path('out'));
  writeFileSync(config, stringify({ ...whole, ...options(path) }));
  let daemon: Daemon | undefined;
  const rows = (sql: string, folder = journalFolder) => {
    const database = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true, timeout: 5_000 });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };
  return {
    folder,
    config,
    journal: journalFolder,
    path,
    get isStarted() {
      return daemon !== undefined;
    },
    get daemon() {
      if (daemon === undefined) throw new Error('it was never started');
      return daemon;
    },
    start(...args) {
      daemon = startDaemon(config, args);
      return daemon;
    },
    startWith(variables) {
      daemon = startDaemon(config, [], { variables });
      return daemon;
    },
    rows,
    journalled: () => Number(rows(countAll)[0]?.count),
    spooled: () => Number(rows(countAll, path('spool'))[0]?.count),
    lines: (name) => messageIds(path(name)),
    async close() {
      await daemon?.end('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

const countAll = 'SELECT count(*) AS count FROM notifications';

function messageIds(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return whole.filter((line) => line !== '').map((line) => JSON.parse(line).data.msg_id);
}
