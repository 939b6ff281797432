import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { messages } from '../../src/common/messages.ts';

describe("the log's messages", () => {
  const sources = globSync('src/**/*.ts').map((file) => readFileSync(file, 'utf8'));
  const found = (pattern: RegExp) => sources.flatMap((source) => [...source.matchAll(pattern)]);
  const names = Object.keys(messages);
  const said = found(new RegExp(`\\bmessages\\.(${names.join('|')})\\b`, 'g')).map(([, name = '']) => name);

  test('are what docs/reference/messages.md explains, no more and no less', () => {
    const page = readFileSync('docs/reference/messages.md', 'utf8');
    const [, table = ''] = /\| Message \|.*\n\| --- .*\n((?:\|.*\n)+)/.exec(page) ?? [];
    const firstCells = table.split('\n').map((row) => row.split(' | ')[0] ?? '');
    const explained = firstCells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text));
    expect(explained.toSorted()).toEqual(Object.values(messages).toSorted());
  });

  test('are all said, and nothing else is', () => {
    expect(names.filter((name) => !said.includes(name))).toEqual([]);
    const calls = found(/\b[lL]og(?:ger)?\??\.(?:info|warn|error|fatal)\(/g);
    expect(said).toHaveLength(calls.length);
  });
});
