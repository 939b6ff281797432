import { access, constants } from 'node:fs/promises';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { messages } from '../../common/messages.ts';
import { ThrottledReporter } from '../../common/throttled-reporter.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { type Outcome, type Sink, type SinkContext, type SinkKind, SinkUnavailable } from '../sink.ts';
import { type ExecSinkOptions, execDeclaration } from './options.ts';
import { Program, type Said } from './program.ts';

/** A program that reads a line for each notification, and answers with one. */
export const execSink: SinkKind<ExecSinkOptions> = {
  ...execDeclaration,

  async connectionTest({ command: [program = ''], directory }) {
    await mustAllow(program, constants.X_OK, 'run');
    await mustAllow(directory, constants.X_OK, 'entered');
    return `${program} can be run`;
  },

  async open(options, context) {
    return new ExecSink(options, context);
  },
};

class ExecSink implements Sink {
  readonly #options: ExecSinkOptions;
  readonly #route: string;
  readonly #errors: ThrottledReporter;
  readonly #endings: ThrottledReporter;
  #program: Program | undefined;
  #starting: Promise<Program> | undefined;
  #isClosed = false;

  constructor(options: ExecSinkOptions, { route, log }: SinkContext) {
    this.#options = options;
    this.#route = route;
    this.#errors = new ThrottledReporter((lines, last) => log.warn({ lines, last }, messages.programSays));
    this.#endings = new ThrottledReporter((count, reason) => log.warn({ count, reason }, messages.programEnded));
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    while (outcomes.length < batch.length) {
      const isNew = this.#program === undefined || this.#program.ending !== undefined;
      const said = await this.#ask(batch.slice(outcomes.length), signal).catch((error: unknown) => {
        // Nor are those lost that one before has answered.
        if (!(error instanceof SinkUnavailable) || outcomes.length === 0) throw error;
        return { outcomes: [], ending: { reason: error.message, code: error.code } };
      });
      outcomes.push(...said.outcomes);
      if (said.ending === undefined) continue;
      const { reason, code } = said.ending;
      // What it had before may be at fault; where it was given nothing else, so may this one be, or the program.
      const away = said.outcomes.length === 0 && isNew;
      if (away && outcomes.length === 0)
        throw new SinkUnavailable(`${this.#options.command[0]}: ${reason}`, { code, unsure: true });
      const failed: Outcome = { status: 'retry', reason, away, ...(code !== undefined && { code }) };
      outcomes.push(...batch.slice(outcomes.length, away ? undefined : outcomes.length + 1).map(() => failed));
    }
    return outcomes;
  }

  /** Lets the program answer what it has been given, and starts no other one. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([this.#starting]);
    await this.#program?.stop();
    this.#errors.close();
    this.#endings.close();
  }

  async #ask(batch: readonly Delivery[], signal: AbortSignal): Promise<Said> {
    const program = await this.#running();
    return program.ask(batch, signal);
  }

  /** The one that runs, or a new one. @throws SinkUnavailable */
  async #running(): Promise<Program> {
    const former = this.#program;
    if (former !== undefined && former.ending === undefined) return former;
    this.#program = undefined;
    if (former?.ending !== undefined) this.#endings.count(former.ending.reason);
    await former?.stop();
    if (this.#isClosed) throw new SinkUnavailable('the sink is closed');
    this.#starting = Program.start(this.#options, this.#route, (line) => this.#errors.count(line));
    this.#program = await this.#starting;
    return this.#program;
  }
}

async function mustAllow(path: string, mode: number, what: string): Promise<void> {
  try {
    await access(path, mode);
  } catch (cause) {
    throw new Error(`${path} can't be ${what} by this user: ${fileReasonOf(cause)}`, { cause });
  }
}
