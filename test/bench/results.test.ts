import { describe, expect, test } from '@jest/globals';
import { chart } from '../../bench/chart.ts';
import { readReport } from '../../bench/report.ts';
import { type Part, partsNamed, runPart } from '../../bench/rounds.ts';
import { soakChart } from '../../bench/soak/chart.ts';
import { judge } from '../../bench/soak/memory.ts';
import type { Sample } from '../../bench/soak/watch.ts';
import { table } from '../../bench/table.ts';
import { missedIn } from '../../bench/verdict.ts';

const { results } = readReport(['test/fixtures/bench-results.json']);

describe('measuring in rounds', () => {
  test('takes the parts that are named, all of a group by its name, and without names all but the groups', () => {
    const named = (name: string): Part => ({
      name,
      metrics: {},
      open: () => Promise.reject(new Error('not measured')),
    });
    const [parts, peers] = [
      [named('intake'), named('idle')],
      [named('peers-file'), named('peers-kills')],
    ];
    const chosen = (...names: string[]) => partsNamed(names, parts, { peers }).map(({ name }) => name);
    expect(chosen()).toEqual(['intake', 'idle']);
    expect(chosen('peers', 'peers-kills')).toEqual(['peers-file', 'peers-kills']);
    expect(chosen('peers-kills', 'idle')).toEqual(['peers-kills', 'idle']);
    expect(() => chosen('peer')).toThrow('there is no part peer');
  });

  test('runs the contenders in turns, leaves out the first round, and compares round by round', async () => {
    const ran: string[] = [];
    let closed = false;
    const contender = (name: string, figures: number[]) => ({
      name,
      run: async () => {
        ran.push(name);
        return { time: figures.shift() ?? Number.NaN };
      },
    });
    const part: Part = {
      name: 'part',
      metrics: { time: { unit: 'ms', digits: 0, against: 'ratio' } },
      open: async () => ({
        contenders: [contender('A', [1_000, 10, 20, 40]), contender('B', [1, 20, 60, 40])],
        close: async () => {
          closed = true;
        },
      }),
    };
    const result = await runPart(part, { rounds: 3, scale: 1, say: () => undefined });
    expect(ran).toEqual(['A', 'B', 'A', 'B', 'A', 'B', 'A', 'B']);
    expect(closed).toBe(true);
    const [a, b] = result.contenders;
    expect(a?.metrics[0]).toMatchObject({ figure: { median: 20, min: 10, max: 40 }, compared: null });
    expect(b?.metrics[0]?.compared).toEqual({ median: 2, min: 1, max: 3 });
  });
});

describe('stored results', () => {
  test('make a table with what each contender must reach, and whether it does', () => {
    expect(table(results)).toBe(
      [
        '| part | contender | measured | against the first | must be |  |',
        '| --- | --- | --- | --- | --- | --- |',
        '| webhook | bare undici pool | 22000 (20000–24000) /s |  |  |  |',
        '| webhook | bare undici pool | 34.0 (33.0–35.0) µs CPU each |  |  |  |',
        '| webhook | route | 12100 (12000–12200) /s | 0.55 (0.51–0.60) × | ≥ 0.80 × | **short** |',
        '| webhook | route | 67.7 (66.0–69.4) µs CPU each | 1.99 (1.98–2.00) × |  |  |',
        '| latency | bare consumer that posts | 2.1 (2.0–2.2) ms p50 |  |  |  |',
        '| latency | daemon, one webhook route | 6.0 (5.9–6.1) ms p50 | +3.9 (+3.7–+4.1) ms p50 | ≤ +5 ms p50 | reached |',
        '| idle | daemon | 76.5 (76.0–77.0) MiB |  | ≤ 90 MiB | reached |',
      ].join('\n'),
    );
  });

  test('fail the benchmark where one is short of its target', () => {
    expect(missedIn(results)).toEqual(['webhook: route']);
  });

  test('make a chart with a line for each target, short ones on its left', () => {
    const drawing = chart(results);
    isWellFormed(drawing);
    const dots = [...drawing.matchAll(/<circle cx="([\d.]+)"[^>]*class="(\w+)"/g)].map(([, x, colour]) => ({
      x: Number(x),
      colour,
    }));
    const middle = 780;
    expect(dots).toHaveLength(3);
    expect(dots[0]).toMatchObject({ colour: 'bad' });
    expect(dots[0]?.x).toBeLessThan(middle);
    expect(dots.slice(1).every(({ x, colour }) => x > middle && colour === 'good')).toBe(true);
    expect(drawing).toContain('0.55 (0.51–0.60) ×; ≥ 0.80 ×');
    expect(drawing).toContain('prefers-color-scheme:dark');
  });

  test('of several runs are one report, with the newest figures of each part', () => {
    const file = 'test/fixtures/bench-results.json';
    expect(readReport([file, file]).results.map(({ part }) => part)).toEqual(['webhook', 'latency', 'idle']);
  });
});

describe('a soak', () => {
  test('is drawn with gaps where no daemon was, and a line at each fault', () => {
    const samples = life(1, 10, () => 80).map((sample) => ({ ...sample, lag: sample.at === 5_000 ? null : 3 }));
    const drawing = soakChart(samples, [{ fault: 'broker', from: 4_000, to: 6_000 }]);
    isWellFormed(drawing);
    // At its time, and in the legend.
    expect(drawing.match(/class="fault broker"/g)).toHaveLength(2);
    // Memory, two stretches of lag, and two rates.
    expect(drawing.match(/<polyline/g)).toHaveLength(5);
  });

  test('says whether memory is flat in the daemon that lived longest', () => {
    expect(judge([...life(1, 100, (second) => second), ...life(2, 400, () => 80)])).toMatchObject({
      flat: true,
      most: 80,
    });
    expect(judge(life(1, 400, (second) => 80 + second / 4))).toMatchObject({ flat: false });
    expect(judge(life(1, 100, () => 80))).toMatchObject({ flat: null });
  });
});

/** A look every second. */
function life(pid: number, seconds: number, memoryAt: (second: number) => number): Sample[] {
  return Array.from({ length: seconds }, (_, second) => ({
    ...{ at: second * 1_000, pid, memory: memoryAt(second), lag: 0, published: second * 500, delivered: second * 500 },
  }));
}

/** Every element is closed, and in order. */
function isWellFormed(drawing: string): void {
  const open: string[] = [];
  for (const [, end, name = '', empty] of drawing.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (end === '/') expect(open.pop()).toBe(name);
    else if (empty !== '/') open.push(name);
  }
  expect(open).toEqual([]);
  expect(drawing).not.toMatch(/NaN|undefined|Infinity/);
}
