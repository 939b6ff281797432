import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { sinkDeclarations } from '../../../src/sinks/declarations.ts';
import { type CaseName, cases } from './cases.ts';
import type { ContractedSink } from './contract.ts';
import { contracted } from './contracted.ts';

describe('the page of what sinks do in each case', () => {
  test('has the table that the contract has tried', () => {
    // Where they differ, what was expected is what belongs between the two marks.
    const [, table] = /<!-- contract -->\n\n(.*)\n\n<!-- end of contract -->/s.exec(page) ?? [];
    expect(table).toBe(tableOf(contracted));
  });

  test('has every kind of sinks that there is', () => {
    const described = new Set(contracted.map(({ name }) => name.split(':')[0]));
    expect(described).toEqual(new Set(sinkDeclarations.map(({ type }) => type)));
  });
});

const page = readFileSync('docs/reference/sinks/faults.md', 'utf8');

/** Reasons stand below the table, each once. */
function tableOf(sinks: readonly ContractedSink[]): string {
  const reasons: string[] = [];
  const cell = (sink: ContractedSink, name: CaseName) => {
    const ending = sink.cases[name];
    if (typeof ending === 'string') return name === 'the same batch after a crash' ? `there ${sink.repeats}` : ending;
    if (!reasons.includes(ending.never)) reasons.push(ending.never);
    return `n/a (${reasons.indexOf(ending.never) + 1})`;
  };
  const names = Object.keys(cases) as CaseName[]; // `cases` has those, and no others
  const lines = [
    ['Case', ...sinks.map(({ name }) => name)],
    ['---', ...sinks.map(() => '---')],
    ...names.map((name) => [name, ...sinks.map((sink) => cell(sink, name))]),
  ].map((cells) => `| ${cells.join(' | ')} |`);
  return [...lines, '', ...reasons.map((reason, at) => `${at + 1}. ${reason}`)].join('\n');
}
