import type { Outline } from '../../config/outline.ts';
import type { Desk, Letters } from '../../journal/journal.ts';
import { entryOf } from './letters.ts';
import { timeOf } from './texts.ts';

/**
 * Of the notifications that were chosen by id, those of which nothing is dead or quarantined that is chosen too: a line
 * each that says why there is nothing to do.
 */
export async function idleAmong(which: Letters, desk: Desk, config: Outline): Promise<string[]> {
  const lines: string[] = [];
  for (const id of which.ids ?? []) {
    const found = await desk.letters({ ...which, ids: [id] }, 0, 1);
    if (found.length === 0) lines.push(`${id}: ${await whyIdle(id, which, desk, config)}`);
  }
  return lines;
}

async function whyIdle(id: string, { route }: Letters, desk: Desk, { routes }: Outline): Promise<string> {
  const { seq, state } = await entryOf(id, desk);
  // Its one line is of no route.
  if (state === 'undecodable') return 'it could not be decoded, so no route has it';
  const names = route === undefined ? routes.map(({ name }) => name) : [route];
  const lines = (await desk.linesOf(seq)).filter((line) => route === undefined || line.route === route);
  const waiting = lines.filter((line) => line.state === 'waiting');
  if (lines.length > waiting.length) return 'it is not of that event or time';
  const behind: string[] = [];
  for (const name of names) if (((await desk.cursorOf(name)) ?? seq) < seq) behind.push(name);
  const reasons = [
    ...waiting.map((line) => `it waits for its next try on ${line.route}${dueText(line.dueAt)}`),
    ...behind.map((name) => `${name} has not come to it yet`),
  ];
  const [where, who] = route === undefined ? ['', 'every route'] : [` on ${route}`, 'that'];
  return `it is not dead or quarantined${where}: ${reasons.join('; ') || `${who} has settled it`}`;
}

/** One that is to be tried when others let it has no time of its own. */
function dueText(dueAt: number | null): string {
  return dueAt === null || dueAt === 0 ? '' : `, due ${timeOf(dueAt)}`;
}
