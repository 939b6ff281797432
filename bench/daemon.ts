import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stringify } from 'yaml';
import { until } from '../test/support/until.ts';
import { start } from './process.ts';
import { queue } from './queue.ts';

/** The daemon as users run it: built, and a process of its own. */
export interface Daemon {
  readonly process: ChildProcess;
  /** Resolves when its log says so often; rejects when it ends before. */
  says(text: string, times?: number): Promise<void>;
  /** Resolves when all of its routes have settled that much of the journal; rejects when it ends before. */
  settled(cursor: number): Promise<void>;
  /** Rejects when it ends. */
  readonly ended: Promise<never>;
  /** How often its log has said so. */
  said(text: string): number;
  /** Tells it to stop, and waits for its end. */
  stop(): Promise<void>;
  /** Ends it by a signal; returns its exit code, or null where the signal itself has ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface DaemonOptions {
  /** Holds its configuration and its journal. */
  readonly folder: string;
  /** Of the brokers, one zone each. */
  readonly urls: readonly string[];
  readonly routes: object;
  /** Of the configuration, in place of what stands below. */
  readonly settings?: object;
}

/** How it is started, if not as the build of this checkout, with nobody who reads its output. */
export interface Launch {
  readonly program?: string;
  readonly launcher?: readonly string[];
  readonly stdout?: 'pipe' | 'ignore';
}

export const ownBuild = join(import.meta.dirname, '../dist/main.js');

export function startDaemon(options: DaemonOptions, launch: Launch = {}): Daemon {
  const { program = ownBuild, launcher, stdout = 'ignore' } = launch;
  const daemon = start(program, ['run', '--config', writeConfig(options)], ['ignore', stdout, 'pipe'], launcher);
  let log = '';
  daemon.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const ended = once(daemon, 'exit').then(() => Promise.reject(new Error(`the daemon has ended: ${log}`)));
  ended.catch(() => undefined);
  const said = (text: string) => log.split(text).length - 1;
  const runs = () => daemon.exitCode === null && daemon.signalCode === null;
  const end = async (signal: NodeJS.Signals) => {
    if (runs()) {
      const exit = once(daemon, 'exit');
      daemon.kill(signal);
      await exit;
    }
    return daemon.exitCode;
  };
  return {
    process: daemon,
    async says(text, times = 1) {
      await until(() => said(text) >= times || !runs(), { what: `the daemon to say ${text}`, interval: 1 });
      if (said(text) < times) await ended;
    },
    settled: (cursor) => Promise.race([untilSettled(options.folder, cursor), ended]),
    ended,
    said,
    stop: async () => void (await end('SIGTERM')),
    end,
  };
}

/** Where a daemon with this folder has its journal. */
export function journalIn(folder: string): string {
  return join(folder, 'journal');
}

/** @returns the file, in the folder */
export function writeConfig({ folder, urls, routes, settings }: DaemonOptions): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'config.yaml');
  const config = {
    brokers: urls.map((url, index) => ({ zone: `bench${index}`, url })),
    // `compare` runs versions that don't know how many consumers may be there.
    queue: {
      ...queue,
      consumers: undefined,
      maxLengthBytes: `${queue.maxLengthBytes}B`,
      expires: `${queue.expires}ms`,
    },
    // Nothing is removed while it is measured.
    journal: { path: journalIn(folder), maxSize: '100GiB' },
    http: { listen: '127.0.0.1:0' },
    log: { format: 'json' },
    routes,
    ...settings,
  };
  writeFileSync(file, stringify(config));
  return file;
}

/** Cursors are saved every 100 ms at least. */
async function untilSettled(folder: string, wanted: number): Promise<void> {
  await watchCursor(folder, (cursor) => until(() => cursor() >= wanted, settling));
}

const settling = { what: 'all to be settled', interval: 10, timeout: 600_000 };

/** Gives the work a look at how far the routes are that are farthest behind, from beside the daemon. */
export async function watchCursor<T>(folder: string, work: (cursor: () => number) => Promise<T>): Promise<T> {
  const database = new DatabaseSync(join(journalIn(folder), 'journal.sqlite'), { readOnly: true, timeout: 5_000 });
  try {
    const cursor = database.prepare('SELECT min(cursor) AS cursor FROM routes');
    return await work(() => Number(cursor.get()?.cursor ?? 0));
  } finally {
    database.close();
  }
}
