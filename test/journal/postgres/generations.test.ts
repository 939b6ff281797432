import { expect, test } from '@jest/globals';
import type { Lane } from '../../../src/journal/postgres/connection.ts';
import { Generations, type LostSpan } from '../../../src/journal/postgres/generations.ts';
import type { Link } from '../../../src/journal/postgres/link.ts';
import { entry } from '../../support/notification.ts';

const own = entry({ seq: 20 });

/** @param meanwhile what happens between the question and its answer */
async function look(
  found: { readonly head: number; readonly id: string | null; readonly timeline?: string; readonly first?: number },
  meanwhile: (generations: Generations) => void = () => undefined,
): Promise<LostSpan[]> {
  const lost: LostSpan[] = [];
  const generations = new Generations('a', 10, (span) => lost.push(span));
  generations.appended({ base: 19, fresh: [own] });
  const { timeline = 'a' } = found;
  await generations.look(linkOf({ first: 1, ...found, timeline }, timeline, () => meanwhile(generations)));
  return lost;
}

/** All that is asked of one. */
function linkOf(answer: object, timeline: string, before: () => void = () => undefined): Link {
  const query = async () => {
    before();
    return [answer];
  };
  return { timeline, query } as unknown as Link;
}

test.each([
  ['it is shorter than it was', { head: 15, id: null }, [{ head: 15, last: 20 }]],
  [
    'another primary has something else there',
    { head: 30, id: 'other', timeline: 'b', first: 16 },
    [{ head: 15, last: 20 }],
  ],
  [
    'another primary had less, and has more by now',
    { head: 30, id: null, timeline: 'b', first: 16 },
    [{ head: 15, last: 20 }],
  ],
  ['nothing has changed', { head: 20, id: own.header.id }, []],
  ['another primary has the same', { head: 20, id: own.header.id, timeline: 'b', first: 21 }, []],
  ['what was there is removed by now', { head: 20, id: null, timeline: 'b', first: 21 }, []],
])('a log is found to have gone backwards or not, where %s', async (_what, found, lost) => {
  expect(await look(found)).toEqual(lost);
});

test('a log is not taken for one that went backwards, where something is appended while it is asked', async () => {
  const meanwhile = (generations: Generations) => generations.seen(40);
  expect(await look({ head: 20, id: own.header.id }, meanwhile)).toEqual([]);
});

test('what waited for a connection is not told to a server that lacks what it is about', async () => {
  const generations = new Generations('a', 20, () => undefined);
  const shorter = linkOf({ head: 15, id: null, timeline: 'b', first: 16 }, 'b');
  const told: string[] = [];
  const link = { query: async (text: string) => void told.push(text) } as unknown as Link;
  const connected = Promise.withResolvers<void>();
  const lane = {
    using: async (work: (link: Link) => Promise<unknown>) => {
      await connected.promise;
      return work(link);
    },
  } as unknown as Lane; // all that is asked of one
  const fenced = generations.fenced(lane);
  const waiting = fenced.query('old');
  await generations.look(shorter);
  connected.resolve();
  await expect(waiting).rejects.toThrow('the database lacks what this is about');
  await fenced.query('new');
  expect(told).toEqual(['new']);
});
