import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { fileSink } from '../../src/sinks/file/sink.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import { delivery } from './notification.ts';

/** A folder with file sinks that write to one path in it. */
export interface FileStage extends AsyncDisposable {
  readonly folder: string;
  /** In a folder of its own, which isn't there yet. */
  readonly path: string;
  /** Lines of the sinks' log. */
  readonly logged: string[];
  open(options?: object, context?: { isGuest?: boolean; mayRemoveOld?: () => boolean }): Promise<Sink>;
  /** Those of the notifications in a file, which is that of the path unless another is named. */
  ids(file?: string): string[];
  /** Names beside the path: its own first, then the rest in their order. */
  files(): string[];
}

export function fileStage(): FileStage {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-file-'));
  const path = join(folder, 'out', 'notifications.ndjson');
  const logged: string[] = [];
  const sinks: Sink[] = [];
  return {
    folder,
    path,
    logged,
    async open(options = {}, context = {}) {
      const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
      const sink = await fileSink.open(
        { path, maxSize: 1e8, rotate: 86_400_000, keep: 14, compress: 'none', mode: '0640', ...options },
        { route: 'test', mayRemoveOld: () => true, log, ...context },
      );
      sinks.push(sink);
      return sink;
    },
    ids: (file = path) => idsIn(readFileSync(file, 'utf8')),
    files: () =>
      readdirSync(join(folder, 'out')).toSorted(
        (one, other) =>
          Number(other === 'notifications.ndjson') - Number(one === 'notifications.ndjson') || one.localeCompare(other),
      ),
    async [Symbol.asyncDispose]() {
      for (const sink of sinks) await sink.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Of the notifications in the text of such a file. */
export function idsIn(lines: string): string[] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).id);
}

/** As a route does after a crash of which it doesn't know what it left. */
export function deliverAgain(sink: Sink, ...ids: string[]) {
  return sink.deliver(
    ids.map((id) => delivery(id, true)),
    new AbortController().signal,
  );
}

export function deliver(sink: Sink, ...ids: string[]) {
  return sink.deliver(
    ids.map((id) => delivery(id)),
    new AbortController().signal,
  );
}
