import { delivered, type Outcome } from '../sink.ts';

const answer = /^(ok|retry|dead)(?:[ \t]+(\d{1,9})s)?(?:[ \t]+(.*))?$/s;

/**
 * What a program says of one notification: `ok`, `retry REASON`, `retry 30s REASON` or `dead REASON`.
 * @param now in Unix milliseconds
 * @returns undefined for any other line
 */
export function outcomeOf(line: string, now: number): Outcome | undefined {
  const [, word, seconds, reason = 'the program has given no reason'] = answer.exec(line.trim()) ?? [];
  switch (word) {
    case 'ok':
      return delivered;
    case 'retry':
      return { status: 'retry', reason, ...(seconds !== undefined && { notBefore: now + Number(seconds) * 1_000 }) };
    case 'dead':
      return { status: 'dead', reason };
    default:
      return undefined;
  }
}
