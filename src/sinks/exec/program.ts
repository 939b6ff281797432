import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { onAbort } from '../../common/async/abort.ts';
import { codeOf } from '../../common/errors.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { truncateUtf8 } from '../../common/text/format.ts';
import { createMask, type Mask } from '../../common/text/secret-mask.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { type Outcome, SinkUnavailable } from '../sink.ts';
import { outcomeOf } from './answer.ts';
import { onLines } from './lines.ts';
import type { ExecSinkOptions } from './options.ts';

/** What has become of a batch: an outcome each, or fewer and why there are no more. */
export interface Said {
  readonly outcomes: readonly Outcome[];
  /** The program has ended, or said something that is no answer. */
  readonly ending: Ending | undefined;
}

export interface Ending {
  readonly reason: string;
  readonly code?: number | string | undefined;
}

interface Asked {
  readonly count: number;
  readonly outcomes: Outcome[];
  readonly resolve: (said: Said) => void;
}

const withheld = 'a text that is withheld, because the route reveals secrets to the program';

/** A running program, and what it has been asked. */
export class Program {
  readonly #process: ChildProcess;
  readonly #stopTimeout: number;
  readonly #ended: Promise<void>;
  /** What its environment says is secret. */
  readonly #mask: Mask;
  /** It was given what the route reveals, and may write that whenever and however it likes. */
  #knowsSecrets = false;
  #asked: Asked | undefined;
  #ending: Ending | undefined;
  /** The end of what it has written to its standard error, on one line. */
  #errors = '';

  /**
   * @param onError is told of each line of its standard error
   * @throws SinkUnavailable when it can't be started
   */
  static async start(options: ExecSinkOptions, route: string, onError: (line: string) => void): Promise<Program> {
    const [command = '', ...parts] = options.command;
    try {
      const child = spawn(command, parts, {
        cwd: options.directory,
        env: environmentOf(options, route),
        // A group of its own: Ctrl-C in a terminal stops the daemon, which lets it finish.
        detached: true,
        stdio: 'pipe',
      });
      await once(child, 'spawn');
      return new Program(child, options, onError);
    } catch (cause) {
      const what = codeOf(cause) === 'ENOENT' ? 'it or the option directory is not there' : fileReasonOf(cause);
      throw new SinkUnavailable(`${command} can't be started: ${what}`, { cause, code: codeOf(cause) });
    }
  }

  private constructor(child: ChildProcess, options: ExecSinkOptions, onError: (line: string) => void) {
    this.#process = child;
    this.#stopTimeout = options.stopTimeout;
    this.#mask = createMask(() => Object.values(options.environment));
    // Its end says more than that nobody reads any more.
    child.stdin?.on('error', () => undefined);
    onLines(child.stdout, (line) => this.#answered(line));
    // Nothing is to be heard of it any more; it may be at its end.
    child.stdout?.once('end', () => void this.stop());
    onLines(child.stderr, (line = 'a line without end') => {
      const shown = this.#shown(truncateUtf8(line, 1_000));
      this.#errors = shown === withheld ? shown : `${this.#errors} ${shown.trim()}`.slice(-500).trimStart();
      onError(shown);
    });
    // After the last line of its output.
    this.#ended = once(child, 'close').then(([status, signal]) => this.#end(endingOf(status, signal, this.#errors)));
  }

  /** Why it answers nothing any more: it has ended, or can't be understood. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /**
   * Gives it a line for each, and waits for its answers; one call at a time.
   * @param signal ends the program: what it would still answer belongs to nothing
   */
  async ask(batch: readonly Delivery[], signal: AbortSignal): Promise<Said> {
    signal.throwIfAborted();
    if (this.#ending !== undefined) return { outcomes: [], ending: this.#ending };
    const { promise, resolve } = Promise.withResolvers<Said>();
    this.#asked = { count: batch.length, outcomes: [], resolve };
    this.#knowsSecrets ||= batch.some(({ secrets }) => secrets.length > 0);
    const stopListening = onAbort(signal, () => this.#fail({ reason: 'it was too slow' }));
    const { stdin } = this.#process;
    stdin?.cork();
    for (const delivery of batch) stdin?.write(`${lineOf(delivery)}\n`);
    stdin?.uncork();
    try {
      return await promise;
    } finally {
      stopListening();
      signal.throwIfAborted();
    }
  }

  /** Ends its input, and kills it and all that it has started where it doesn't end by itself. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    const waiting = new AbortController();
    const late = delay(this.#stopTimeout, undefined, { signal: waiting.signal }).then(
      () => this.#kill(),
      () => undefined,
    );
    await this.#ended;
    waiting.abort();
    await late;
  }

  #answered(line: string | undefined): void {
    const outcome = line === undefined ? undefined : outcomeOf(line, Date.now());
    const asked = this.#asked;
    if (outcome === undefined) this.#fail({ reason: `it has written ${this.#quoted(line)}, which is no answer` });
    else if (asked === undefined) this.#fail({ reason: `it has answered ${this.#quoted(line)} without being asked` });
    else if (asked.outcomes.push(this.#masked(outcome)) === asked.count) this.#end(undefined);
  }

  #quoted(line: string | undefined): string {
    return line === undefined ? 'a line without end' : JSON.stringify(this.#shown(truncateUtf8(line, 100)));
  }

  /** What of its words anybody may read. */
  #shown(text: string): string {
    return this.#knowsSecrets ? withheld : this.#mask(text);
  }

  /** Of what the route reveals, whoever has asked takes care. */
  #masked(outcome: Outcome): Outcome {
    return outcome.status === 'delivered' ? outcome : { ...outcome, reason: this.#mask(outcome.reason) };
  }

  /** Nobody knows any more which notification its next line is about. */
  #fail(ending: Ending): void {
    this.#end(ending);
    this.#kill();
  }

  #end(ending: Ending | undefined): void {
    this.#ending ??= ending;
    this.#asked?.resolve({ outcomes: this.#asked.outcomes, ending });
    this.#asked = undefined;
  }

  #kill(): void {
    const { pid, stdout, stderr } = this.#process;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
    // What it has started in a group of its own may hold them open for ever.
    stdout?.destroy();
    stderr?.destroy();
  }
}

/** JSON may have characters that some languages take for the end of a line; an escape means the same. */
function lineOf({ json }: Delivery): string {
  return json.replace(/[\u0085\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function endingOf(status: number | null, signal: NodeJS.Signals | null, errors: string): Ending {
  const how = signal === null ? `it has ended with status ${status}` : `it was ended by ${signal}`;
  const code = signal ?? status ?? undefined;
  return { reason: errors === '' ? how : `${how}: ${errors}`, ...(code !== undefined && { code }) };
}

/** The daemon's own environment may hold passwords. */
function environmentOf({ environment }: ExecSinkOptions, route: string): NodeJS.ProcessEnv {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME, LANG, TZ } = process.env;
  const usual = { PATH, HOME, LANG, TZ, KAZOO_RELAY_ROUTE: route };
  return { ...Object.fromEntries(Object.entries(usual).filter(([, value]) => value !== undefined)), ...environment };
}
