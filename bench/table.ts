import type { ContenderResult, Result } from './rounds.ts';

/** The results as a Markdown table: medians, with the lowest and highest round behind them. */
export function table(results: readonly Result[]): string {
  const rows = results.flatMap((result) =>
    result.contenders.map((contender, index) => rowOf(result, contender, index === 0)),
  );
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const header = ['part', 'contender', 'rate /s', 'CPU µs each', 'rate ×', 'CPU ×', 'must reach'];

function rowOf({ part }: Result, { name, target, rate, cpu, rateRatio, cpuRatio }: ContenderResult, isBase: boolean) {
  const ratios = isBase ? ['', '', ''] : [inSpread(rateRatio, 2), inSpread(cpuRatio, 2), wordsOf(target)];
  return [part, name, inSpread(rate, 0), inSpread(cpu, 1), ...ratios];
}

function inSpread({ median, min, max }: ContenderResult['rate'], digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

function wordsOf(target: ContenderResult['target']): string {
  if (target === undefined) return '';
  const { rate, cpu } = target;
  return `rate ≥ ${rate.toFixed(2)}${cpu === undefined ? '' : `, CPU ≤ ${cpu.toFixed(1)}`}`;
}
