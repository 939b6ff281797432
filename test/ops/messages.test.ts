import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

/** A call of the log above debug: what stands before the message, and the message. */
const call =
  /\blog\??\.(?:info|warn|error|fatal)\(\s*(?:(?:\{(?:[^{}]|\{[^{}]*\})*\}|\w+),\s*)?(?:'([^']+)'|"([^"]+)"),?\s*\)/g;
const anyCall = /\blog\??\.(?:info|warn|error|fatal)\(/g;

const sources = globSync('src/**/*.ts').map((file) =>
  readFileSync(file, 'utf8').replaceAll('#', '').replaceAll('logger', 'log'),
);
const said = sources.flatMap((source) => [...source.matchAll(call)].map(([, one, other]) => one ?? other ?? ''));

describe("the table of the log's messages in docs/reference/messages.md", () => {
  const [, table = ''] =
    /\| Message \|.*\n\| --- .*\n((?:\|.*\n)+)/.exec(readFileSync('docs/reference/messages.md', 'utf8')) ?? [];
  const told = table
    .split('\n')
    .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, text = '']) => text));

  test('has every message that the daemon can write', () => {
    expect([...new Set(said)].filter((message) => !told.includes(message))).toEqual([]);
  });

  test('has no message that it never writes', () => {
    const isSaid = (message: string) => said.includes(message) || message.includes('…');
    expect(told.filter((message) => !isSaid(message))).toEqual([]);
  });

  test('is compared with all calls but those whose message is made when they are called', () => {
    const calls = sources.flatMap((source) => [...source.matchAll(anyCall)]).length;
    expect(calls - said.length).toBe(1);
  });
});
