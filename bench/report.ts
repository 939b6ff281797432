import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { chart } from './chart.ts';
import type { Result } from './rounds.ts';

/** What bench/results/<date>.json holds. */
export interface Report {
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memory: number; readonly node: string };
  readonly rounds: number;
  readonly results: readonly Result[];
}

const resultsFolder = join(import.meta.dirname, 'results');

export function thisMachine(): Report['machine'] {
  return { cpu: cpus()[0]?.model ?? '', cores: cpus().length, memory: totalmem(), node: process.version };
}

/** A name for files of a time, that sorts as time does. */
export function fileName(date: string): string {
  mkdirSync(resultsFolder, { recursive: true });
  return join(resultsFolder, date.replaceAll(':', '-'));
}

/** Writes the results of this machine, and their chart. */
export function writeReport(results: readonly Result[], rounds: number): Report {
  const report = { date: new Date().toISOString(), machine: thisMachine(), rounds, results };
  const name = fileName(report.date);
  writeFileSync(`${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${name}.svg`, chart(results));
  console.error(`written to ${name}.json and .svg`);
  return report;
}

/** Reads reports that were written before, as one: the newest figures of each part, in the order of the oldest report that has it. */
export function readReport(files: readonly string[]): Report {
  // As `writeReport` has written them.
  const reports = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report);
  const last = reports.at(-1);
  if (last === undefined) throw new Error('name the files of the results');
  const results = new Map(reports.flatMap((report) => report.results).map((result) => [result.part, result]));
  return { ...last, results: [...results.values()] };
}
