import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.ts';
import { chart } from './chart.ts';
import { clusterParts } from './cluster/cluster.ts';
import { compare } from './compare/compare.ts';
import { parts } from './parts.ts';
import { comparison } from './peers/comparison.ts';
import { peers } from './peers/peers.ts';
import { programsOf } from './peers/programs.ts';
import { type Report, readReport, writeReport } from './report.ts';
import { partsNamed, type Result, runPart } from './rounds.ts';
import { sinkParts } from './sinks/sinks.ts';
import { table } from './table.ts';
import { missedIn } from './verdict.ts';

const help = `npm run bench [-- PART… --rounds 5 --scale 1 --write-docs]
[VECTOR=FILE BENTO=FILE] npm run bench -- peers [--rounds 3 --scale 1 --write-docs]
npm run bench -- cluster [--rounds 5 --scale 1]
npm run bench -- sinks [--rounds 5 --scale 1]
npm run bench -- compare OLD NEW [--help]
npm run bench -- soak [--help]
npm run bench -- report FILE… [--write-docs]

Measures each part beside the barest program that does its work, prints a table, and writes bench/results/<date>.json and
a chart beside it. Parts: ${parts.map(({ name }) => name).join(', ')}; all of them where none is named.
peers measures what others would run in place of kazoo-relay beside it: a script, and the programs that VECTOR and BENTO
name. Its parts: ${peers.map(({ name }) => name).join(', ')}.
cluster measures a journal that daemons share. Its parts: ${clusterParts.map(({ name }) => name).join(', ')}.
sinks measures sinks beside a loop with the same library. Its parts: ${sinkParts.map(({ name }) => name).join(', ')}.

The exit code is 1 where a target is not reached.

  --rounds N     rounds that count
  --scale SHARE  share of the usual amount of work, for a quick try; the figures are worth little
  --write-docs   also puts table and chart into docs/performance.md and docs/performance.svg, and peers into
                 docs/comparison.md
  report FILE…   measures nothing: prints the table of results that were written before; of several for one part the last`;

const docs = join(import.meta.dirname, '../docs');

const args = process.argv.slice(2);
if (args[0] === 'soak') await import('./soak/soak.ts');
else if (args[0] === 'compare') process.exitCode = await compare(args.slice(1));
else await main();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(help);
  const [rounds, scale] = [Number(values.rounds), Number(values.scale)];
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1 on');
  if (!(scale > 0)) throw new Error('--scale must be a number above 0');
  const [command, ...files] = positionals;
  const report = command === 'report' ? readReport(files) : await measureParts(positionals, rounds, scale);
  console.log(table(report.results));
  if (values['write-docs']) writeDocs(report);
  const missed = missedIn(report.results);
  if (missed.length === 0) return;
  console.error(`short of the target:\n  ${missed.join('\n  ')}`);
  process.exitCode = 1;
}

async function measureParts(names: readonly string[], rounds: number, scale: number): Promise<Report> {
  const chosen = partsNamed(names, parts, { peers, cluster: clusterParts, sinks: sinkParts });
  const say = (text: string) => console.error(text);
  if (chosen.some(isPeers)) for (const reason of programsOf(process.env).leftOut) say(reason);
  build();
  const results: Result[] = [];
  for (const part of chosen) results.push(await runPart(part, { rounds, scale, say }));
  return writeReport(results, rounds);
}

function writeDocs({ results, ...about }: Report): void {
  const own = results.filter((result) => !isPeers({ name: result.part }));
  const others = results.filter((result) => isPeers({ name: result.part }));
  if (others.length > 0) writePage('comparison.md', about, comparison(others));
  if (own.length === 0) return;
  writePage('performance.md', about, table(own));
  writeFileSync(join(docs, 'performance.svg'), chart(own));
}

function isPeers({ name }: { readonly name: string }): boolean {
  return peers.some((part) => part.name === name);
}

/** Between two marks that stand in the page. */
function writePage(name: string, { date, machine, rounds }: Omit<Report, 'results'>, results: string): void {
  const page = join(docs, name);
  const { cpu, cores, memory, node } = machine;
  const about = `${date.slice(0, 10)}, ${cores} cores of ${cpu}, ${Math.round(memory / 2 ** 30)} GiB, Node ${node.slice(1)}; ${rounds} rounds.`;
  const text = readFileSync(page, 'utf8').replace(
    /(<!-- results -->\n).*?(<!-- end of results -->)/s,
    (_, begin, end) => `${begin}\n${about}\n\n${results}\n\n${end}`,
  );
  writeFileSync(page, text);
}
