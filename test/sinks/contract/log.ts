import { Socket } from 'node:net';
import { throughStream } from '../../../src/common/fs/descriptor.ts';
import { logSinkTo, Output } from '../../../src/sinks/log/sink.ts';
import { stalledPipe } from '../../support/stalled-pipe.ts';
import { until } from '../../support/until.ts';
import type { ContractedSink, Place } from './contract.ts';

const noNetwork = { never: 'Standard output is no network.' };
const noReader = {
  never:
    'A reader of standard output that is gone stays so until the daemon is restarted; until then, it is unavailable.',
};

export const log: ContractedSink = {
  name: 'log',
  repeats: 'twice',
  cases: {
    'down at the start': noReader,
    'gone in the middle of a batch': noReader,
    restarted: noReader,
    slow: 'delivered',
    'half open': noNetwork,
    'reset, then silent': noNetwork,
    'an answer after the deadline': 'given up',
    'one refused of many': { never: 'A reader of standard output refuses no line.' },
    'credentials expired': { never: 'Standard output needs no credentials.' },
    'a wrong name in TLS': noNetwork,
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    'hostile texts': 'delivered',
  },
};

/** A pipe, as stdout is where something collects the output, whose reader can stop. */
export async function logPlace(): Promise<Place> {
  const pipe = stalledPipe();
  const writer = new Socket({ fd: pipe.descriptor, readable: false });
  const stdout = new Output(throughStream(writer));
  const reader = new Socket({ fd: pipe.reader, writable: false });
  let text = '';
  reader.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const stopReading = () => {
    reader.pause();
    const met = async () => void (await until(() => writer.writableLength > 0, { what: 'the pipe to be full' }));
    return { met, undo: () => void reader.resume() };
  };
  return {
    kind: logSinkTo(() => stdout),
    options: {},
    held: async () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).id),
    faults: { slow: stopReading, 'an answer after the deadline': stopReading },
    close: async () => {
      reader.destroy();
      writer.destroy();
    },
  };
}
