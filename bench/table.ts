import type { ContenderResult, MetricResult, Result } from './rounds.ts';
import { comparedInWords, measuredInWords, targetInWords, verdictOf } from './verdict.ts';

/** The results as a Markdown table: medians, with the lowest and highest round behind them. */
export function table(results: readonly Result[]): string {
  const rows = results.flatMap(({ part, contenders }) =>
    contenders.flatMap((contender) => contender.metrics.map((metric) => rowOf(part, contender, metric))),
  );
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const header = ['part', 'contender', 'measured', 'against the first', 'must be', ''];

function rowOf(part: string, { name }: ContenderResult, metric: MetricResult): string[] {
  const verdict = verdictOf(metric);
  const word = verdict === null ? '' : verdict.reached ? 'reached' : '**short**';
  return [part, name, measuredInWords(metric), comparedInWords(metric), targetInWords(metric), word];
}
