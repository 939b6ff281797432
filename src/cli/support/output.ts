import { counted } from '../../common/text/plural.ts';
import { printable } from '../../common/text/printable.ts';
import type { Entry } from '../../journal/entry.ts';
import type { Problem } from '../../kazoo/notification.ts';
import type { Colour, Terminal } from './terminal.ts';

/** The first problem on a line, and how many more there are; empty where there is none. */
export function describeProblems(problems: readonly Problem[]): string {
  const [first] = problems;
  if (first === undefined) return '';
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  return printable(`${first.path} ${first.message}${more}`.trimStart());
}

/** `1 notification`, `2 notifications`. */
export function notifications(count: number): string {
  return counted(count, 'notification');
}

/** What a line about an entry calls it. */
export type EntryState = 'valid' | 'invalid' | 'undecodable' | 'preview' | 'resend';

/** What counts most about an entry, in one word. */
export function stateOf(entry: Entry): EntryState {
  if (entry.state === 'undecodable') return 'undecodable';
  if (entry.preview) return 'preview';
  if (entry.state === 'invalid') return 'invalid';
  return entry.resendOf === null ? 'valid' : 'resend';
}

/** The state's word in its colour. @param width characters that it fills at least */
export function paintState(terminal: Terminal, state: EntryState, width: number): string {
  return terminal.paint(stateColours[state], state.padEnd(width));
}

const stateColours = {
  valid: 'green',
  invalid: 'red',
  undecodable: 'red',
  preview: 'dim',
  resend: 'yellow',
} satisfies Record<EntryState, Colour>;
