import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reasonOf } from '../../src/common/errors.ts';
import { mixedMessages } from '../notifications.ts';
import { type Build, openBuild } from './builds.ts';
import { coresIn } from './cores.ts';
import { fewestRounds, inWords, judge, medianOf } from './judge.ts';
import { forEachWork, type PairOptions, type PerWork, runPair, works } from './pair.ts';
import { record } from './replayer.ts';

const help = `npm run bench -- compare OLD NEW [--rounds 11 --threshold 1 --routes 1 --scale 1]

Tells whether NEW takes more CPU than OLD for the same notifications: to append them to the journal, and to deliver them out
of it. Each is a folder that holds dist/, or a commit of this repository, which is built. Needs no broker. The exit code is 0
where NEW is no slower, 1 where it is slower, and 2 where that could not be measured.

  --rounds N           rounds, ${fewestRounds} at least
  --threshold PERCENT  how much slower it may be, beyond noise
  --routes N           log routes that take everything
  --scale SHARE        share of the usual 80,000 notifications, for a quick try; the figures are worth little`;

export interface Arguments {
  readonly old: string;
  readonly new: string;
  readonly rounds: number;
  /** 0.01 is 1 %. */
  readonly threshold: number;
  readonly routes: number;
  readonly scale: number;
}

/** @returns the exit code */
export async function compare(args: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => interrupted.abort(new Error(`ended by ${signal}`));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
  try {
    const given = readArguments(args);
    if (given === null) console.log(help);
    return given === null ? 0 : await compareBuilds(given, folder, interrupted.signal);
  } catch (error) {
    console.error(reasonOf(interrupted.signal.aborted ? interrupted.signal.reason : error));
    return 2;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Null where only help is wanted. @throws what is wrong with them */
export function readArguments(args: readonly string[]): Arguments | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '11' },
      threshold: { type: 'string', default: '1' },
      routes: { type: 'string', default: '1' },
      scale: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const [old, fresh, ...others] = positionals;
  if (old === undefined || fresh === undefined || others.length > 0)
    throw new Error(`compare takes two builds or commits, not ${positionals.length}.\n\n${help}`);
  return {
    old,
    new: fresh,
    rounds: wholeFrom(fewestRounds, 'rounds', values.rounds),
    threshold: number('threshold', values.threshold, (value) => value >= 0, 'a number of percent, 0 or more') / 100,
    routes: wholeFrom(1, 'routes', values.routes),
    scale: number('scale', values.scale, (value) => value > 0, 'a number above 0'),
  };
}

function wholeFrom(least: number, option: string, text: string): number {
  const isGood = (value: number) => Number.isInteger(value) && value >= least;
  return number(option, text, isGood, `a whole number from ${least} on`);
}

function number(option: string, text: string, isGood: (value: number) => boolean, what: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || !isGood(value)) throw new Error(`--${option} must be ${what}, not "${text}"`);
  return value;
}

async function compareBuilds(given: Arguments, folder: string, signal: AbortSignal): Promise<number> {
  const builds = [await openBuild(given.old, folder, signal), await openBuild(given.new, folder, signal)] as const;
  const { rounds, threshold, routes } = given;
  const [warmUp, items] = [Math.round(warmUpUsual * given.scale), Math.round(usual * given.scale)];
  const recording = record(mixedMessages(warmUp + items));
  const { ratios, control } = await measure(builds, rounds, {
    recording,
    warmUp,
    items,
    routes,
    folder,
    signal,
  });
  console.log(
    `OLD ${builds[0].name}, NEW ${builds[1].name}; ${rounds} rounds; the ratios are of CPU, with 95 % intervals`,
  );
  const judged = works.map((work) => {
    const [ratio, noise] = [medianOf(ratios[work]), medianOf(control[work])];
    const judgement = judge(ratio, noise, threshold);
    console.log(`${work.padEnd(10)}  ${inWords(ratio, noise, judgement, threshold)}`);
    return judgement;
  });
  return judged.some(({ is }) => is === 'slower') ? 1 : 0;
}

const usual = 80_000;
/** V8 compiles for some 80,000: until then two processes of one build differ by 7 %, and behind it by 1 %. */
const warmUpUsual = 100_000;

/** How much CPU another build takes for each work, against the old one, in each round. */
type Ratios = PerWork<readonly number[]>;

/** In each round the new build runs against the old one on one core, and on another the old one against itself: noise. */
async function measure(
  [old, fresh]: readonly [Build, Build],
  rounds: number,
  options: PairOptions,
): Promise<{ readonly ratios: Ratios; readonly control: Ratios }> {
  const cores = twoCores();
  const ratios: PerWork<number>[] = [];
  const control: PerWork<number>[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const both = [against(old, fresh, cores, options), against(old, old, cores.toReversed(), options)] as const;
    // Where one fails, the other one still has its daemons.
    await Promise.allSettled(both);
    const [ratio, noise] = await Promise.all(both);
    ratios.push(ratio);
    control.push(noise);
    console.error(`round ${round}: NEW/OLD ${inShort(ratio)}; OLD/OLD ${inShort(noise)}`);
  }
  const byWork = (of: readonly PerWork<number>[]) => forEachWork((work) => of.map((ratio) => ratio[work]));
  return { ratios: byWork(ratios), control: byWork(control) };
}

/** How much CPU the other one takes, against the old one: each of them begins once, and cores are swapped in between. */
async function against(
  old: Build,
  other: Build,
  cores: readonly number[],
  options: PairOptions,
): Promise<PerWork<number>> {
  const [oldFirst, otherSecond] = await runPair([old, other], cores.at(0), options);
  const [otherFirst, oldSecond] = await runPair([other, old], cores.at(-1), options);
  return forEachWork((work) => (otherFirst[work] + otherSecond[work]) / (oldFirst[work] + oldSecond[work]));
}

function inShort(ratio: PerWork<number>): string {
  return works.map((work) => `${work} ${ratio[work].toFixed(3)}`).join(', ');
}

/** Two cores, or less with a word: one is all that there is, and none where nothing can be bound to it. */
function twoCores(): readonly number[] {
  const cores = coresIn(readFileSync('/proc/self/status', 'utf8'));
  if (spawnSync('taskset', ['--version']).error !== undefined) {
    console.error(
      'there is no taskset (Debian: util-linux), so no build is bound to a core, and the figures scatter more',
    );
    return [];
  }
  if (cores.length > 1) return [cores[0] ?? 0, cores.at(-1) ?? 0];
  console.error('there is only one core: the control runs on the same one, and it takes twice as long');
  return cores;
}
