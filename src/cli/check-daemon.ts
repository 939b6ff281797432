import { askDaemon } from '../ops/control.ts';
import type { BrokerStatus, Status } from '../ops/status.ts';

/**
 * Returns when the daemon of that journal is what is asked for. It goes by the daemon's own socket, so that it works without
 * an HTTP port too.
 * @throws Error with the reasons when it isn't
 */
export async function checkDaemon(folder: string, what: 'live' | 'ready'): Promise<void> {
  // What answers is a daemon of this very version, or nearly; or it says that it can't.
  const answer = (await askDaemon(folder)) as Status | { readonly error: string } | null;
  if (answer === null) throw new Error(`no daemon answers in ${folder}`);
  if ('error' in answer) throw new Error(`the daemon can't read its journal: ${answer.error}`);
  const reasons = what === 'live' ? [] : (answer.brokers ?? []).flatMap(reasonOf);
  if (reasons.length > 0) throw new Error(reasons.join('; '));
}

/** Why nothing is taken from a broker just now. */
function reasonOf({ zone, broker, state, reason, paused }: BrokerStatus): string[] {
  const name = `${broker} (zone ${zone})`;
  if (paused) return [`${name}: paused, the journal takes nothing`];
  return state === 'consuming' ? [] : [`${name}: ${state}${reason === null ? '' : `, ${reason}`}`];
}
