import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** A program that users could run in place of another. */
export interface Program {
  readonly name: string;
  /** Whether it sends webhooks too. */
  readonly posts: boolean;
  /** Writes its configuration. @returns the command that starts it */
  prepare(work: Work): readonly string[];
}

/** What it does with the notifications that come in. */
export interface Work {
  /** For its configuration, and for what it keeps. */
  readonly folder: string;
  /** Of the broker; its queue has the name that all of the bench has. */
  readonly url: string;
  /** Of its event, by the event's name: what isn't valid by it goes elsewhere. */
  readonly schemas: ReadonlyMap<string, string>;
  /** Gets each valid one as a line; null where it goes to the webhook alone. */
  readonly file: string | null;
  /** A URL to which each valid one is posted by itself, 64 at a time; null where there is none. */
  readonly webhook: string | null;
}

/** As anybody would write it: neither aliases for what is alike, nor lines that are folded. */
export function writeYaml(file: string, config: object): void {
  writeFileSync(file, stringify(config, { aliasDuplicateObjects: false, lineWidth: 0 }));
}

/** Requests to the webhook that are on their way together. */
export const concurrency = 64;

/** What the broker gives before something is acknowledged. */
export const prefetch = 1_000;

export interface RunningProgram {
  readonly process: ChildProcess;
  /** @throws Error with its last words when it has ended */
  mustRun(): void;
  /** Ends it by a signal, and at last by SIGKILL. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export function startProgram({ name, prepare }: Program, work: Work): RunningProgram {
  const [command = '', ...args] = prepare(work);
  const file = join(work.folder, 'output');
  const output = openSync(file, 'a');
  const process = spawn(command, args, { stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = once(process, 'exit').catch((error) => error);
  const runs = () => process.pid !== undefined && process.exitCode === null && process.signalCode === null;
  return {
    process,
    mustRun() {
      if (runs()) return;
      if (process.pid === undefined)
        throw new Error(`${name} can't be started: ${command} is no program that runs here`);
      const words = readFileSync(file, 'utf8').slice(-1_000);
      throw new Error(`${name} ended with ${process.exitCode ?? process.signalCode}: ${args.join(' ')}\n${words}`);
    },
    async end(signal) {
      if (!runs()) return;
      process.kill(signal);
      const insist = setTimeout(() => process.kill('SIGKILL'), stopWithin);
      await ended;
      clearTimeout(insist);
    },
  };
}

/** Milliseconds. */
const stopWithin = 10_000;
