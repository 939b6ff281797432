import { expect, test } from '@jest/globals';
import { Generations, type LostSpan } from '../../../src/journal/postgres/generations.ts';
import type { Link } from '../../../src/journal/postgres/link.ts';
import { entry } from '../../support/notification.ts';

const own = entry({ seq: 20 });

/** @param meanwhile what happens between the question and its answer */
async function look(
  found: { readonly head: number; readonly id: string | null; readonly timeline?: string },
  meanwhile: (generations: Generations) => void = () => undefined,
): Promise<LostSpan[]> {
  const lost: LostSpan[] = [];
  const generations = new Generations(10, (span) => lost.push(span));
  const linkOf = (answer: object, timeline: string, before: () => void = () => undefined) =>
    ({
      timeline,
      async query() {
        before();
        return [answer];
      },
    }) as unknown as Link; // all that is asked of one
  await generations.look(linkOf({ head: 10, timeline: 'a', id: null }, 'a'));
  generations.appended({ base: 19, fresh: [own] });
  const { timeline = 'a' } = found;
  await generations.look(linkOf({ ...found, timeline }, timeline, () => meanwhile(generations)));
  return lost;
}

test.each([
  ['it is shorter than it was', { head: 15, id: null }, [{ head: 15, last: 20 }]],
  ['another primary has something else there', { head: 30, id: 'other', timeline: 'b' }, [{ head: 30, last: 20 }]],
  ['nothing has changed', { head: 20, id: own.header.id }, []],
  ['another primary has the same', { head: 20, id: own.header.id, timeline: 'b' }, []],
  ['what was there is removed by now', { head: 20, id: null, timeline: 'b' }, []],
])('a log is found to have gone backwards or not, where %s', async (_what, found, lost) => {
  expect(await look(found)).toEqual(lost);
});

test('a log is not taken for one that went backwards, where something is appended while it is asked', async () => {
  const meanwhile = (generations: Generations) => generations.seen(40);
  expect(await look({ head: 20, id: own.header.id }, meanwhile)).toEqual([]);
});
