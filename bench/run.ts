import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { intake } from './intake/intake.ts';
import { postgresql } from './postgresql/postgresql.ts';
import { runPart } from './rounds.ts';
import { table } from './table.ts';
import { webhook } from './webhook/webhook.ts';

// npm run bench [-- PART… --rounds N]: measures each part side by side with the barest program that does its work, prints
// a table, and writes bench/results/<date>.json. docs/performance.md says what is measured.

const parts = [intake, webhook, postgresql];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
});
const unknown = positionals.find((name) => !parts.some((part) => part.name === name));
if (unknown !== undefined) {
  throw new Error(`there is no part ${unknown}; there are ${parts.map(({ name }) => name).join(', ')}`);
}
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1 on');

const results = [];
for (const part of parts.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  results.push(await runPart(part, rounds, (text) => console.error(text)));
}
console.log(table(results));

const date = new Date().toISOString();
const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, memory: totalmem(), node: process.version };
const folder = `${import.meta.dirname}/results`;
const file = `${folder}/${date.replaceAll(':', '-')}.json`;
mkdirSync(folder, { recursive: true });
writeFileSync(file, `${JSON.stringify({ date, machine, rounds, results }, null, 2)}\n`);
console.log(`\nwritten to ${file}`);
