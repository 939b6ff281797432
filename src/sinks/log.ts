import type { Level } from 'pino';
import { quoted } from '../quoted.ts';
import { unlessAborted } from '../waiting.ts';
import { piecesOf } from './lines.ts';
import { delivered, type SinkKind, SinkUnavailable } from './sink.ts';

interface LogSinkOptions {
  level: Level;
}

/** One JSON line a notification on stdout, for whatever collects the daemon's output. */
export const logSink: SinkKind<LogSinkOptions> = {
  type: 'log',
  summary: 'one JSON line a notification on stdout',
  options: {
    level: {
      doc: 'Level that the lines carry.',
      format: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
      default: 'info',
    },
  },
  flow: () => ({ batch: { max: 500, linger: 0 }, concurrency: 1 }),

  examine: async () => 'lines go to stdout',

  async open({ level }) {
    return {
      async deliver(batch, signal) {
        const head = `{"level":"${level}","time":"${new Date().toISOString()}",`;
        const lines = batch.map(
          ({ json, event }) => `${head}${json.slice(1, -1)},"msg":${quoted(event ?? 'unknown event')}}\n`,
        );
        await unlessAborted(writeToStdout(piecesOf(lines)), signal);
        return batch.map(() => delivered);
      },
      async close() {},
    };
  },
};

/** Resolves when the reader's side has taken them all: a slow reader delays its own route, and nothing else. */
async function writeToStdout(pieces: readonly string[]): Promise<void> {
  // The write's callback gets the error too; without a listener here it would end the process.
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => undefined);
  await Promise.all(pieces.map(writePiece));
}

function writePiece(piece: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(piece, (error) => {
      if (error) reject(new SinkUnavailable(`stdout can't be written: ${error.message}`, { cause: error }));
      else resolve();
    });
  });
}
