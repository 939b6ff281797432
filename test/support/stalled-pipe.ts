import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A pipe whose reader is slow: it reads when it is told to. */
export interface StalledPipe {
  /** Belongs to whoever asked for the pipe. */
  readonly descriptor: number;
  /** For whoever reads without being told. */
  readonly reader: number;
  /** All that is in it just now. */
  read(): string;
  closeReader(): void;
}

export function stalledPipe(): StalledPipe {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-pipe-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  rmSync(folder, { recursive: true });
  const part = Buffer.alloc(1024 * 1024);
  return {
    descriptor,
    reader,
    read() {
      try {
        return part.toString('utf8', 0, readSync(reader, part));
      } catch {
        return ''; // EAGAIN: it is empty
      }
    },
    closeReader: () => closeSync(reader),
  };
}
