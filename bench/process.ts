import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import koffi from 'koffi';

export interface Measurement {
  readonly seconds: number;
  /** Of the whole process, in user and kernel, as the operating system counts it. */
  readonly cpuSeconds: number;
}

/**
 * Starts a program of ours on the Node that runs this, with the same options of Node: `node --cpu-prof bench/run.ts`
 * profiles all that is measured.
 * @param launcher a command that becomes the program, such as `taskset`
 */
export function start(
  program: string,
  args: readonly string[],
  stdio: StdioOptions,
  launcher: readonly string[] = [],
): ChildProcess {
  const [command = process.execPath, ...rest] = [...launcher, process.execPath, ...process.execArgv, program, ...args];
  return spawn(command, rest, { stdio });
}

/**
 * Measures a program that has `contend` in it: from the moment when it has prepared all that doesn't count, to the one
 * when it has done its work.
 * @param task anything that JSON can hold
 */
export async function measure(program: string, task: object): Promise<Measurement> {
  const child = start(program, [JSON.stringify(task)], ['ignore', 'ignore', 'inherit', 'ipc']);
  await heard(child, 'ready');
  const stop = stopwatch(child);
  child.send('go');
  await heard(child, 'done');
  const measurement = stop();
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
  return measurement;
}

/** The other side of `measure`: prepares, waits for the start, does the work, and ends when it has been looked at. */
export async function contend<Task>(prepare: (task: Task) => Promise<Work>): Promise<void> {
  const { run, close } = await prepare(JSON.parse(process.argv[2] ?? '') as Task); // as `measure` was given it
  process.send?.('ready');
  await once(process, 'message');
  await run();
  const left = once(process, 'disconnect');
  process.send?.('done');
  await left;
  await close();
}

interface Work {
  run(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Waits for a word of a child; fails where the child ends without it. */
async function heard(child: ChildProcess, word: string): Promise<void> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code} before it was ${word}`);
  });
  const [message] = await Promise.race([once(child, 'message'), ended]);
  if (message !== word) throw new Error(`${child.spawnargs.join(' ')} said ${message}, not ${word}`);
}

/** Returns what gives the time and CPU time that have gone by since. */
export function stopwatch(child: ChildProcess): () => Measurement {
  const startedAt = performance.now();
  const cpuBefore = cpuSecondsOf(child);
  return () => ({ seconds: (performance.now() - startedAt) / 1000, cpuSeconds: cpuSecondsOf(child) - cpuBefore });
}

/** Memory of a process, in MiB: what it holds now, and the most that it has held; null once it has ended. */
export function memoryOf({ pid }: ChildProcess): { readonly now: number; readonly peak: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mebibytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
    const memory = { now: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
    return Number.isNaN(memory.now) ? null : memory;
  } catch {
    return null;
  }
}

const timespec = koffi.struct({ seconds: 'int64', nanoseconds: 'int64' });
const clockGetTime = koffi.load('libc.so.6').func('clock_gettime', 'int', ['int', koffi.out(koffi.pointer(timespec))]);

/** Of all its threads, by the clock that Linux has for each process: /proc/PID/stat knows no less than 10 ms. */
function cpuSecondsOf({ pid }: ChildProcess): number {
  const time = { seconds: 0, nanoseconds: 0 };
  const scheduled = 2;
  // So clock_getcpuclockid(3) makes a clock's number of a process's.
  if (pid === undefined || clockGetTime((~pid << 3) | scheduled, time) !== 0)
    throw new Error(`there is no process ${pid}`);
  return Number(time.seconds) + Number(time.nanoseconds) / 1e9;
}
