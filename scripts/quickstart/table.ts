import { describeProblems, paintState, stateOf, type Terminal } from '../../src/cli/support/terminal.ts';
import type { Arrivals, Arrived } from './arrivals.ts';
import type { Sample } from './samples.ts';

/** The lines of the table, which is made for terminals of 100 columns. */
export function tableOf(terminal: Terminal, samples: readonly Sample[], arrivals: Arrivals): string[] {
  return samples.map((sample) => row(terminal, sample, arrivals));
}

const [titleWidth, stateWidth, sinkWidth, noteWidth] = [32, 13, 11, 33];

export const tableHead = [
  'NOTIFICATION'.padEnd(titleWidth),
  'JOURNAL'.padEnd(stateWidth),
  'LOG SINK'.padEnd(sinkWidth),
  'FILE SINK',
].join('');

function row(terminal: Terminal, { title, id }: Sample, { journal, log, file }: Arrivals): string {
  const entry = journal.get(id);
  const state = entry && stateOf(entry);
  const arrived = (ids: ReadonlySet<string>) => (ids.has(id) ? 'delivered' : '-').padEnd(sinkWidth);
  const note = entry === undefined ? '' : noteOn(entry);
  return [
    title.padEnd(titleWidth),
    state ? paintState(terminal, state, stateWidth) : terminal.paint('red', 'missing'.padEnd(stateWidth)),
    arrived(log),
    arrived(file),
    note.length > noteWidth ? `${note.slice(0, noteWidth - 1)}…` : note,
  ]
    .join('')
    .trimEnd();
}

function noteOn(entry: Arrived): string {
  if (entry.header.preview) return 'no event, so no route wants it';
  if (entry.problems.length > 0) return describeProblems(entry.problems);
  if (entry.resendOf !== null) return 'a repeat, so delivered only once';
  return entry.header.known ? '' : 'not in the catalogue';
}
