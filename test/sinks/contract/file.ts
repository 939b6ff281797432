import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileSink } from '../../../src/sinks/file/sink.ts';
import { fileStage, idsIn } from '../../support/file-stage.ts';
import type { ContractedSink, Made, NotApplicable, Place } from './contract.ts';

const noNetwork = { never: 'A file is no network.' } satisfies NotApplicable;
const noCredentials = { never: 'What the daemon may do with a file shows when it is opened: it is unavailable then.' };
const noEnd = { never: 'A disk that is full takes the whole batch or nothing: it is unavailable then.' };

export const file: ContractedSink = {
  name: 'file',
  repeats: 'once',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': noEnd,
    restarted: 'delivered',
    slow: { never: 'A write takes as long as the disk needs.' },
    'half open': noNetwork,
    'reset, then silent': noNetwork,
    'an answer after the deadline': noNetwork,
    'one refused of many': { never: 'A file refuses no line.' },
    'credentials expired': noCredentials,
    'a wrong name in TLS': noNetwork,
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    'hostile texts': 'delivered',
  },
};

export async function filePlace(): Promise<Place> {
  const { path, [Symbol.asyncDispose]: remove } = fileStage();
  return {
    kind: fileSink,
    options: { path },
    held: async () => globSync(`${dirname(path)}/*.ndjson*`).flatMap((name) => idsIn(readFileSync(name, 'utf8'))),
    faults: {
      'down at the start': () => folderAt(path),
      // As an operator's logrotate does.
      restarted: () => {
        renameSync(path, `${path}.1`);
        return { undo: () => undefined };
      },
    },
    close: async () => void (await remove()),
  };
}

/** Puts a folder where the file is: the sink can neither open it nor make another. */
export function folderAt(path: string): Made {
  const isThere = existsSync(path);
  if (isThere) renameSync(path, `${path}.aside`);
  mkdirSync(path, { recursive: true });
  return {
    undo() {
      rmdirSync(path);
      if (isThere) renameSync(`${path}.aside`, path);
    },
  };
}
