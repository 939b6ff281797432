import type { Outcome } from '../sink.ts';
import { oneLine } from '../summary/summary.ts';
import type { Refusal, Taken } from './connection.ts';

/** Characters of the server's answer that become part of the reason. */
const keptOfAnswer = 300;
/** Recipients that a reason names. */
const mostNamed = 3;

/**
 * What the server's answers mean for the notifications of an e-mail.
 * @param serves whom a refused recipient is about, where that may not be one notification
 * @param got how many have it already: by this attempt and those before
 */
export function outcomeOf({ refusals }: Taken, got: number, serves: 'all' | 'account' | undefined): Outcome {
  const [first] = refusals;
  if (first === undefined) return { status: 'delivered', code: 250 };
  if (first.command !== 'RCPT TO') return refused(first);
  const reason = refusals
    .slice(0, mostNamed)
    .map(({ recipient = '', text }) => `${recipient}: ${oneLine(text, keptOfAnswer)}`)
    .join('; ');
  const count = `the server refuses ${refusals.length} of ${refusals.length + got} recipients (${reason})`;
  // The others have it: only these are tried again.
  const later = refusals.find(({ isFinal }) => !isFinal);
  if (later !== undefined) return { status: 'retry', reason: count, ...codeOf(later) };
  return { status: 'dead', reason: count, ...codeOf(first), ...(got === 0 && serves && { refused: serves }) };
}

/** The sender, or what is in the e-mail. */
function refused(refusal: Refusal): Outcome {
  const { command, code, text, isFinal } = refusal;
  const said = oneLine(text, keptOfAnswer);
  const isSender = command === 'MAIL FROM' && code !== undefined && code !== tooLarge;
  const reason = isSender ? `the server refuses the sender: ${said}: correct from, or auth` : `not taken: ${said}`;
  if (!isFinal) return { status: 'retry', reason, away: true, ...codeOf(refusal) };
  return { status: 'dead', reason, ...codeOf(refusal), ...(isSender && { refused: 'all' as const }) };
}

const tooLarge = 552;

function codeOf({ code }: Refusal): { code?: number } {
  return code === undefined ? {} : { code };
}
