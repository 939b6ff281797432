import { expect, test } from '@jest/globals';
import type { ActProgress, AuditedAct } from '../../src/journal/operator-store.ts';
import { actView } from '../../src/page/act-view.ts';

const going: ActProgress = { total: 5_000, isOver: false, problem: null };
const replay: AuditedAct = {
  ...{
    number: 7,
    at: 1,
    who: 'anna',
    from: 'page',
    act: 'replay',
    count: 1_200,
    selection: { route: 'crm', since: 1 },
  },
  progress: going,
};
const left = { waiting: 900, dead: 3, quarantined: 0 };

test.each<[string, Partial<AuditedAct>, boolean, readonly RegExp[]]>([
  [
    'counts',
    { count: 0, progress: { ...going, total: null } },
    true,
    [/^It counts how many there are\.$/, /^0 due again$/],
  ],
  ['goes on here', {}, true, [/^It goes on; this page follows it\.$/, /^1.200 of 5.000 due again$/]],
  ['goes on elsewhere', {}, false, [/^It goes on at the daemon where it was begun\. If it does not, /]],
  [
    'is over',
    { progress: { ...going, isOver: true } },
    false,
    [/^Done\.$/, /^At least 300 of 1.200 delivered or dead$/],
  ],
  [
    'was cut off',
    { progress: { ...going, isOver: true, problem: 'stopped' } },
    false,
    [/^stopped$/, /^1.200 of 5.000 due again$/],
  ],
  ['told nothing of how far it is', { progress: null }, false, [/^1.200 due again$/]],
])('the page of a replay that %s says how far it is, in words and as a bar', (_what, parts, isHere, told) => {
  const { text } = actView({ ...replay, ...parts }, isHere, left).body;
  const lines = [...text.matchAll(/<p(?: [^>]*)?>(.*?)<\/p>/gs)].map(([, line = '']) =>
    line.replaceAll(/<[^>]*>/g, ''),
  );
  for (const line of told) expect(lines).toContainEqual(expect.stringMatching(line));
  const bars = [...text.matchAll(/<progress max="(\d+)" value="(\d+)" aria-label="([^"]+)">/g)];
  for (const [, max, value, label = ''] of bars) {
    expect(Number(value)).toBeLessThanOrEqual(Number(max));
    expect(lines).toContain(label);
  }
  expect(bars).toHaveLength({ counts: 0 }[_what] ?? (parts.progress === null ? 1 : 2));
});

test('more than was counted fills the bar, and no more', () => {
  expect(actView({ ...replay, count: 6_000 }, true, null).body.text).toContain('<progress max="5000" value="5000"');
});
