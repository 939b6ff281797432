import type { Result } from './rounds.ts';
import { dot, escaped, line, svg, text } from './svg.ts';
import { comparedInWords, measuredInWords, targetInWords, verdictOf } from './verdict.ts';

/** All that has a target, as a chart: a line from the lowest to the highest round, a dot for the median, left or right of what must be reached. */
export function chart(results: readonly Result[]): string {
  const rows = results.flatMap(rowsOf);
  const height = top + rows.length * step + 16;
  return svg(width, height, 'What kazoo-relay reaches of what it must', [
    ...scale(height),
    ...rows.flatMap((row, index) => drawn(row, top + index * step)),
  ]);
}

const width = 960;
const top = 40;
const step = 22;
/** Where the axis is, from `span` times worse than the target to `span` times better. */
const left = 650;
const right = 910;
const span = 4;

interface Row {
  readonly label: string;
  readonly words: string;
  readonly reached: boolean;
  readonly margin: { readonly median: number; readonly min: number; readonly max: number };
}

function rowsOf({ part, contenders }: Result): Row[] {
  return contenders.flatMap(({ name, metrics }) =>
    metrics.flatMap((metric) => {
      const verdict = verdictOf(metric);
      if (verdict === null) return [];
      const reached = comparedInWords(metric) || measuredInWords(metric);
      return [
        {
          label: `${part}: ${name}, ${metric.name}`,
          words: `${reached}; ${targetInWords(metric)}`,
          ...verdict,
        },
      ];
    }),
  );
}

function scale(height: number): string[] {
  const marks = [1 / span, 1 / 2, 1, 2, span];
  const names = [`${span} × worse`, '2 ×', 'must', '2 ×', `${span} × better`];
  return marks.flatMap((margin, index) => [
    line(x(margin), top - 12, x(margin), height - 12, margin === 1 ? 'mark' : 'rule'),
    text(x(margin), top - 20, names[index] ?? '', 'middle quiet'),
  ]);
}

function drawn({ label, words, reached, margin }: Row, y: number): string[] {
  const colour = reached ? 'good' : 'bad';
  return [
    `<g><title>${escaped(`${label}: ${words}`)}</title>`,
    text(8, y + 8, label),
    text(left - 40, y + 8, words, 'end quiet'),
    line(x(margin.min), y + 4, x(margin.max), y + 4, colour),
    dot(x(margin.median), y + 4, colour),
    '</g>',
  ];
}

/** What is off the axis stands at its end. */
function x(margin: number): number {
  const clamped = Math.min(span, Math.max(1 / span, margin));
  return left + ((Math.log(clamped) / Math.log(span) + 1) / 2) * (right - left);
}
