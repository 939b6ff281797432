import { line, polyline, svg, text } from '../svg.ts';
import { type Break, faults } from './faults.ts';
import type { Sample } from './watch.ts';

/** Memory, lag and rate over time, one above the other, with a line at each fault. */
export function soakChart(samples: readonly Sample[], broken: readonly Break[]): string {
  const end = Math.max(1, samples.at(-1)?.at ?? 1);
  const x = (at: number) => left + (at / end) * (right - left);
  const panels = [
    { title: 'memory, MiB', curves: [samples.map(({ at, memory }) => [at, memory] as const)] },
    { title: 'lag, notifications', curves: [samples.map(({ at, lag }) => [at, lag] as const)] },
    {
      title: 'rate, notifications a second: published (blue), delivered (amber)',
      curves: [rates(samples, ({ published }) => published), rates(samples, ({ delivered }) => delivered)],
    },
  ];
  const height = top + panels.length * (panelHeight + gap) + 14;
  return svg(width, height, 'Memory, lag and rate under load', [
    ...panels.flatMap(({ title, curves }, index) => panel(title, curves, top + index * (panelHeight + gap), x)),
    ...broken.map(({ fault, from }) => line(x(from), top, x(from), height - gap, `fault ${fault}`)),
    text(left, height - 8, '0', 'middle quiet'),
    text(right, height - 8, `${(end / 60_000).toFixed(1)} minutes`, 'end quiet'),
    ...(broken.length === 0 ? [] : legend(height - 8)),
  ]);
}

const width = 860;
const left = 64;
const right = 840;
const top = 24;
const panelHeight = 130;
const gap = 34;

type Curve = readonly (readonly [at: number, value: number | null])[];

/** What the lines at faults mean. */
function legend(y: number): string[] {
  return faults.flatMap((fault, index) => [
    line(300 + index * 130, y - 4, 320 + index * 130, y - 4, `fault ${fault}`),
    text(326 + index * 130, y, `${fault} killed`, 'quiet'),
  ]);
}

/** Per second, from one look to the next where both gave a figure. */
function rates(samples: readonly Sample[], of: (sample: Sample) => number | null): Curve {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index];
    const [now, then] = [of(sample), before === undefined ? null : of(before)];
    if (now === null || then === null || before === undefined) return [sample.at, null];
    return [sample.at, ((now - then) * 1_000) / Math.max(1, sample.at - before.at)];
  });
}

function panel(title: string, curves: readonly Curve[], y: number, x: (at: number) => number): string[] {
  const most = Math.max(1, ...curves.flat().map(([, value]) => value ?? 0));
  const place = (value: number) => y + panelHeight - (value / most) * (panelHeight - 18);
  return [
    text(left, y + 10, title, 'quiet'),
    ...[0, most / 2, most].flatMap((value) => [
      line(left, place(value), right, place(value), 'rule'),
      text(left - 6, place(value) + 4, String(Math.round(value)), 'end quiet'),
    ]),
    ...curves.flatMap((curve, index) =>
      stretches(curve).map((points) =>
        polyline(
          points.map(([at, value]) => [x(at), place(value)]),
          index === 0 ? 'a' : 'b',
        ),
      ),
    ),
  ];
}

/** A curve is interrupted where there is no figure. */
function stretches(curve: Curve): (readonly [number, number])[][] {
  const all: (readonly [number, number])[][] = [[]];
  for (const [at, value] of curve) {
    if (value === null) all.push([]);
    else all.at(-1)?.push([at, value]);
  }
  return all.filter((stretch) => stretch.length > 0);
}
