import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import { codeOf, reasonOf } from '../../common/errors.ts';

/** What a command has around it: the process's own streams and variables, or what a test hands in. */
export interface Surroundings {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
}

/** How a command speaks with whoever has called it. */
export interface Terminal extends Surroundings {
  /** What the program ends with, unless the command throws. */
  exitCode: number;
  /**
   * Writes a line to stdout, and waits while its reader is slow.
   * @throws OutputError where it can't be written
   */
  print(line: string): Promise<void>;
  /** Writes a line to stderr. */
  complain(line: string): void;
  /** In this colour where stdout is a terminal, as it is elsewhere. */
  paint(colour: Colour, text: string): string;
  /** Asks, and takes only a yes for one. @throws Error where nobody is there to ask */
  confirm(question: string): Promise<boolean>;
}

export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Nothing more can be written to stdout: the command ends, whatever else it would do. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
  /** A reader that has what it wants (`| head`) is nothing to complain about. */
  readonly readerIsGone: boolean;

  constructor(cause: unknown) {
    super(`stdout can't be written: ${reasonOf(cause)}`, { cause });
    this.readerIsGone = codeOf(cause) === 'EPIPE';
  }
}

export function createTerminal({ stdin, stdout, stderr, env }: Surroundings): Terminal {
  let listens = false;
  return {
    stdin,
    stdout,
    stderr,
    env,
    exitCode: 0,
    async print(line) {
      // Only once something is printed: in the daemon, stdout belongs to the log sink. What has failed is thrown below.
      if (!listens) stdout.on('error', () => undefined);
      listens = true;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stdout.write(`${line}\n`, (error) => (error ? reject(new OutputError(error)) : resolve()));
      await promise;
    },
    complain: (line) => void stderr.write(`${line}\n`),
    paint: (colour, text) => styleText(colour, text, { stream: stdout }),
    async confirm(question) {
      if (!stdin.isTTY) throw new Error('there is nobody to ask: add --yes');
      const dialogue = createInterface({ input: stdin, output: stderr });
      const answer = await dialogue.question(`${question} [y/N] `);
      dialogue.close();
      return /^y(es)?$/i.test(answer.trim());
    },
  };
}
