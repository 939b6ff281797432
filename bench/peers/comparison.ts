import type { Result } from '../rounds.ts';

/** The results of the peers side by side: a row for each program, medians alone. */
export function comparison(results: readonly Result[]): string {
  const names = new Set(results.flatMap(({ contenders }) => contenders.map(({ name }) => name)));
  const rows = [...names].map((name) => [
    name,
    ...columns.map(({ cell }) => cell((...at) => medianOf(results, name, ...at))),
  ]);
  const header = ['', ...columns.map(({ title }) => title)];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

type MedianOf = (part: string, metric: string) => string;

const columns: readonly { title: string; cell(of: MedianOf): string }[] = [
  { title: "CPU each, µs (a day's mix)", cell: (of) => `${of('peers-file', 'cpu')} (${of('peers-file-mix', 'cpu')})` },
  { title: 'to a file, /s', cell: (of) => of('peers-file', 'rate') },
  { title: 'memory at most, MiB', cell: (of) => of('peers-file', 'memory') },
  { title: 'killed three times: lines again', cell: (of) => of('peers-kills', 'again') },
  { title: 'missing', cell: (of) => of('peers-kills', 'missing') },
  { title: 'beside a dead webhook: lines in the file', cell: (of) => of('peers-dead-webhook', 'delivered') },
  { title: 'to a webhook, /s', cell: (of) => of('peers-webhook', 'rate') },
  { title: 'CPU each webhook, µs', cell: (of) => of('peers-webhook', 'cpu') },
];

/** A dash where it wasn't measured. */
function medianOf(results: readonly Result[], contender: string, part: string, metric: string): string {
  const metrics = results
    .find((result) => result.part === part)
    ?.contenders.find(({ name }) => name === contender)?.metrics;
  return metrics?.find(({ name }) => name === metric)?.figure.median.toFixed(0) ?? '–';
}
