import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { type Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import { codeOf, reasonOf } from '../../common/errors.ts';
import { pluralize, printable, wrap } from '../../common/text/format.ts';
import { fullTime, shortTime } from '../../common/text/times.ts';
import type { Entry } from '../../notification/entry.ts';
import type { Problem } from '../../notification/notification.ts';

/** The surroundings of a command: the streams and variables of the process, or those of a test. */
export interface ProcessContext {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly columns?: number; readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly columns?: number; readonly isTTY?: boolean };
  readonly env: NodeJS.ProcessEnv;
  /** Ends what would go on by itself; by default SIGINT and SIGTERM do. */
  readonly interrupted?: AbortSignal;
}

/** How a command reads, prints, asks and ends. What a terminal shows fits its width; what a program reads is as it is. */
export interface Terminal extends ProcessContext {
  /** What the program ends with, unless the command throws. */
  exitCode: number;
  /** By `--wide`: a terminal too gets everything in full. */
  wide: boolean;
  /** By `--utc`: times are shown in UTC, else they are the machine's own. */
  utc: boolean;
  /** Characters that a line may have; undefined where it may have any number, or nobody knows: a terminal may say 0. */
  readonly width: number | undefined;
  /** Aborts at Ctrl-C, from when it was first asked for. */
  readonly interrupted: AbortSignal;
  /**
   * Writes a line to stdout as it is, and waits while its reader is slow.
   * @throws OutputError where it can't be written
   */
  print(line: string): Promise<void>;
  /** Writes prose, broken at spaces to fit. @param indent spaces before its second line and those that follow */
  say(text: string, indent?: number): Promise<void>;
  /** Writes prose to stderr. Lines in it that are indented stay as they are, such as an excerpt with its caret. */
  complain(text: string): void;
  /** Unix milliseconds: short where a line has a width, else in full. */
  time(at: number): string;
  /** In this colour where stdout is a terminal, as it is elsewhere. */
  paint(colour: Colour, text: string): string;
  /** Asks, and takes only a yes for one. @throws Error where nobody is there to ask */
  confirm(question: string): Promise<boolean>;
  /** Asks for a text. @param usual the value of an empty answer @throws Error if nobody is there to ask */
  ask(question: string, usual: string): Promise<string>;
  /** Asks for a text that isn't shown. @throws Error where nobody is there to ask */
  askSecret(question: string): Promise<string>;
}

export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Nothing more can be written to stdout: the command ends, whatever else it would do. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
  /** True if the reader has closed its end (`| head`), which is no error. */
  readonly readerIsGone: boolean;

  constructor(cause: unknown) {
    super(`stdout can't be written: ${reasonOf(cause)}`, { cause });
    this.readerIsGone = codeOf(cause) === 'EPIPE';
  }
}

export function createTerminal({ stdin, stdout, stderr, env, ...given }: ProcessContext): Terminal {
  let listens = false;
  let { interrupted } = given;
  /** @throws Error where stdin ends instead */
  const answerTo = async (question: string): Promise<string> => {
    const dialogue = createInterface({ input: stdin, output: stderr });
    const ended = once(dialogue, 'close').then(() => {
      throw new Error('no answer: nothing was done');
    });
    const answer = await Promise.race([dialogue.question(`${wrap(question, stderr.columns).join('\n')} `), ended]);
    dialogue.close();
    return answer.trim();
  };
  const terminal: Terminal = {
    stdin,
    stdout,
    stderr,
    env,
    exitCode: 0,
    wide: false,
    utc: false,
    get width() {
      return terminal.wide ? undefined : stdout.columns || undefined;
    },
    get interrupted() {
      interrupted ??= signalled();
      return interrupted;
    },
    async print(line) {
      // Only once something is printed: in the daemon, stdout belongs to the log sink. What has failed is thrown below.
      if (!listens) stdout.on('error', () => undefined);
      listens = true;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stdout.write(`${line}\n`, (error) => (error ? reject(new OutputError(error)) : resolve()));
      await promise;
    },
    async say(text, indent) {
      for (const line of wrap(text, terminal.width, indent)) await terminal.print(line);
    },
    complain(text) {
      for (const line of text.split('\n')) {
        const parts = line.startsWith(' ') ? [line] : wrap(line, stderr.columns);
        stderr.write(`${parts.join('\n')}\n`);
      }
    },
    time: (at) => (terminal.width === undefined ? fullTime : shortTime)(at, terminal),
    paint: (colour, text) => styleText(colour, text, { stream: stdout }),
    async confirm(question) {
      if (!stdin.isTTY) throw new Error('there is nobody to ask: add --yes');
      return /^y(es)?$/i.test(await answerTo(`${question} [y/N]`));
    },
    async ask(question, usual) {
      if (!stdin.isTTY) throw new Error(`there is nobody to ask: ${question}`);
      return (await answerTo(`${question}${usual === '' ? '' : ` [${usual}]`}:`)) || usual;
    },
    async askSecret(question) {
      if (!stdin.isTTY) throw new Error(`there is nobody to ask: ${question}`);
      stderr.write(`${question}: `);
      // A terminal shows what is typed only where somebody writes it back.
      const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
      const dialogue = createInterface({ input: stdin, output: silent, terminal: true });
      const ended = once(dialogue, 'close').then(() => {
        throw new Error('no answer: nothing was done');
      });
      const answer = await Promise.race([dialogue.question(''), ended]);
      dialogue.close();
      stderr.write('\n');
      return answer;
    },
  };
  return terminal;
}

function signalled(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Shows on stderr how far something is that takes long, where that is a terminal; elsewhere nothing. */
export interface ProgressBar {
  at(done: number): void;
  end(): void;
}

export function progressBar({ stderr }: Terminal, all: number): ProgressBar {
  if (!stderr.isTTY || all === 0) return { at: () => undefined, end: () => undefined };
  return {
    at: (done) => void stderr.write(`\r${bar(Math.min(done, all), all)}`),
    end: () => void stderr.write('\n'),
  };
}

function bar(done: number, all: number): string {
  const width = 40;
  const filled = Math.floor((done / all) * width);
  return `[${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${done}/${all}`;
}

/**
 * Does the work; an error becomes one line on stderr and an exit code: 2 if the command can't do its work at all,
 * because of wrong options or an unreadable file or configuration. So 1 is left for a negative result, such as "not
 * valid" or "not published".
 */
export async function orExit(
  terminal: Terminal,
  exitCodeOf: (error: unknown) => number,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof OutputError) throw error;
    terminal.complain(`kazoo-relay: ${reasonOf(error)}`);
    terminal.exitCode = exitCodeOf(error);
  }
}

/** `1 notification`, `2 notifications`. */
export function notifications(count: number): string {
  return pluralize(count, 'notification');
}

/** Rows as lines of text whose cells stand under each other, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

/** The first problem on a line, and how many more there are; empty where there is none. */
export function describeProblems(problems: readonly Problem[]): string {
  const [first] = problems;
  if (first === undefined) return '';
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  return printable(`${first.path} ${first.message}${more}`.trimStart());
}

/** The state of an entry in a line about it. */
export type EntryState = 'valid' | 'invalid' | 'undecodable' | 'preview' | 'resend';

/** The most important state of an entry, in one word. */
export function stateOf(entry: Entry): EntryState {
  if (entry.state === 'undecodable') return 'undecodable';
  if (entry.header.preview) return 'preview';
  if (entry.state === 'invalid') return 'invalid';
  return entry.resendOf === null ? 'valid' : 'resend';
}

/** The state's word in its colour. @param width characters that it fills at least */
export function paintState(terminal: Terminal, state: EntryState, width: number): string {
  return terminal.paint(stateColours[state], state.padEnd(width));
}

export const stateColours = {
  valid: 'green',
  invalid: 'red',
  undecodable: 'red',
  preview: 'dim',
  resend: 'yellow',
} satisfies Record<EntryState, Colour>;
