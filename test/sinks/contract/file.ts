import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileSink } from '../../../src/sinks/file/sink.ts';
import { fileStage, idsIn } from '../../support/file-stage.ts';
import type { ContractedSink, Made, NotApplicable, Place } from './contract.ts';

const noNetwork = { never: 'a file is no network' } satisfies NotApplicable;
const noCredentials = { never: 'the rights to a file show when it is opened, as “down at the start”' };
const noEnd = { never: 'a disk that is full takes no part of the batch: see the sink’s own tests' };

export const file: ContractedSink = {
  name: 'file',
  repeats: 'once',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': noEnd,
    restarted: 'delivered',
    slow: { never: 'a write takes as long as the disk does' },
    'half open': noNetwork,
    'reset, then silent': noNetwork,
    'an answer behind the deadline': noNetwork,
    'one refused of many': { never: 'a file refuses no line' },
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
    secrets: [],
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
