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
          await lines.write(texts, signal);
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

/** Bytes of what is written at once: mostly a whole batch. Each write takes a turn of Node's loop, in which intake goes on. */
const size = 1024 * 1024;

/**
 * What is at stdout, for all the routes that write there: one batch of lines is under way at a time, and the others wait
 * for their turn. A slow reader delays these routes, and nothing else.
 */
export class Output {
  readonly #writeSome: WriteSome;
  /** The same for all batches: new memory for each would stay until garbage is collected. */
  readonly #buffer = Buffer.allocUnsafeSlow(size);
  #turn = Promise.resolve();
  /** True where a line was begun that could not be ended. */
  #isTorn = false;

  constructor(writeSome: WriteSome) {
    this.#writeSome = writeSome;
  }

  /**
   * Resolves when the reader's side has taken them all.
   * @param signal ends it between two writes; who has called it waits no longer than that
   */
  async write(lines: Iterable<string>, signal: AbortSignal): Promise<void> {
    const writing = this.#turn.then(async () => {
      for (const bytes of bytesOf(lines, this.#buffer)) {
        signal.throwIfAborted();
        await this.#writeAll(bytes);
      }
    });
    this.#turn = writing.catch(() => undefined);
    await unlessAborted(writing, signal);
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    let rest = this.#isTorn ? Buffer.concat([newline, bytes]) : bytes;
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

const newline = Buffer.from('\n');

/** As much of the lines at a time as the buffer holds, which is used again for what comes next. */
function* bytesOf(lines: Iterable<string>, buffer: Buffer): Generator<Buffer> {
  let used = 0;
  for (const piece of piecesOf(lines)) {
    const text = printableLines(piece);
    // A character takes three bytes at most.
    const most = 3 * text.length;
    if (used > 0 && used + most > buffer.length) {
      yield buffer.subarray(0, used);
      used = 0;
    }
    if (most > buffer.length) yield Buffer.from(text);
    else used += buffer.write(text, used);
  }
  if (used > 0) yield buffer.subarray(0, used);
}

/**
 * Lines of JSON. What of them could steer a terminal is beyond ASCII, or DEL: whether there is any costs next to nothing to see
 * of thousands of characters at once.
 */
function printableLines(lines: string): string {
  const isPlain = Buffer.byteLength(lines) === lines.length && !lines.includes('\u007f');
  return isPlain ? lines : lines.split('\n').map(printable).join('\n');
}

let stdout: Output | undefined;
