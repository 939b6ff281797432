import { createInterface } from 'node:readline/promises';

/** Asks on the terminal, and takes only a yes for one. @throws Error where there is none */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error('there is nobody to ask: add --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
