import { fstatSync } from 'node:fs';
import { unlessAborted } from '../../common/async/abort.ts';
import { throughStream, withoutWaiting, writeSome } from '../../common/fs/descriptor.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { jsonString, piecesOf, printable } from '../../common/text/format.ts';
import { delivered, type SinkKind, SinkUnavailable } from '../sink.ts';
import { type LogSinkOptions, logDeclaration } from './options.ts';

/** One JSON line a notification on stdout, for whatever collects the daemon's output. */
export const logSink = logSinkTo(() => {
  stdout ??= new Output(toStdout());
  return stdout;
});

/** @param output what is at stdout, for all sinks of the process */
export function logSinkTo(output: () => Output): SinkKind<LogSinkOptions> {
  return {
    ...logDeclaration,

    connectionTest: async () => 'lines go to stdout',

    async open({ level }) {
      const lines = output();
      return {
        async deliver(batch, signal) {
          const head = `{"level":"${level}","time":"${new Date().toISOString()}",`;
          const texts = batch.map(
            ({ members, header }) => `${head}${members},"msg":${jsonString(header.event ?? 'unknown event')}}\n`,
          );
          await lines.write(piecesOf(texts), signal);
          return batch.map(() => delivered);
        },
        async close() {},
      };
    },
  };
}

/** Resolves to how many of the bytes were taken. */
type WriteSome = (bytes: Uint8Array) => Promise<number>;

function toStdout(): WriteSome {
  const descriptor = withoutWaiting(1);
  const what = fstatSync(descriptor);
  if (what.isFIFO() || what.isSocket()) return throughStream(process.stdout);
  return (bytes) => writeSome(descriptor, bytes);
}

/**
 * What is at stdout, for all the routes that write there: one piece of lines is under way at a time, and the others wait
 * for their turn. A slow reader delays these routes, and nothing else.
 */
export class Output {
  readonly #writeSome: WriteSome;
  #turn = Promise.resolve();
  /** True where a line was begun that could not be ended. */
  #isTorn = false;

  constructor(writeSome: WriteSome) {
    this.#writeSome = writeSome;
  }

  /**
   * Resolves when the reader's side has taken them all.
   * @param signal ends it between two pieces; who has called it waits no longer than that
   */
  async write(pieces: Iterable<string>, signal: AbortSignal): Promise<void> {
    const writing = this.#turn.then(async () => {
      for (const piece of pieces) {
        signal.throwIfAborted();
        await this.#writePiece(piece);
      }
    });
    this.#turn = writing.catch(() => undefined);
    await unlessAborted(writing, signal);
  }

  async #writePiece(piece: string): Promise<void> {
    let rest = printableBytes(this.#isTorn ? `\n${piece}` : piece);
    try {
      while (rest.length > 0) {
        rest = rest.subarray(await this.#writeSome(rest));
        this.#isTorn = rest.length > 0;
      }
    } catch (cause) {
      throw new SinkUnavailable(`stdout can't be written: ${fileReasonOf(cause)}`, { cause });
    }
  }
}

/**
 * Lines of JSON. What of them could steer a terminal is beyond ASCII, or DEL: whether there is any costs next to nothing to see
 * of thousands of characters at once.
 */
function printableBytes(lines: string): Buffer {
  const bytes = Buffer.from(lines);
  const isPlain = bytes.length === lines.length && !bytes.includes(0x7f);
  return isPlain ? bytes : Buffer.from(lines.split('\n').map(printable).join('\n'));
}

let stdout: Output | undefined;
