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
  const { seq } = await entryOf(id, desk);
  const names = route === undefined ? routes.map(({ name }) => name) : [route];
  const lines = (await desk.linesOf(seq)).filter((line) => route === undefined || line.route === route);
  const waiting = lines.filter(({ state }) => state === 'waiting');
  if (lines.length > waiting.length) return 'it is not of that event or time';
  const behind: string[] = [];
  for (const name of names) if (((await desk.cursorOf(name)) ?? seq) < seq) behind.push(name);
  const reasons = [
    ...waiting.map((line) => `it waits for its next try on ${line.route}${dueText(line.dueAt)}`),
    ...behind.map((name) => `${name} has not come to it yet`),
  ];
  const settled = route === undefined ? 'every route has settled it' : `${route} has settled it`;
  return `it is not dead or quarantined: ${reasons.length === 0 ? settled : reasons.join('; ')}`;
}

/** One that is to be tried when others let it has no time of its own. */
function dueText(dueAt: number | null): string {
  return dueAt === null || dueAt === 0 ? '' : `, due ${timeOf(dueAt)}`;
}
