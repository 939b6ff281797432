import { askDaemon } from '../../ops/control.ts';

/**
 * Returns when the daemon of that journal is what is asked for. It goes by the daemon's own socket, so that it works
 * without an HTTP port too.
 * @throws Error with the reasons when it isn't
 */
export async function checkDaemon(folder: string, what: 'live' | 'ready'): Promise<void> {
  // What answers is a daemon of this very version, or nearly; or it says that it can't.
  const reasons = (await askDaemon(folder, what)) as readonly string[] | { readonly error: string } | null;
  if (reasons === null) throw new Error(`no daemon answers in ${folder}`);
  if ('error' in reasons) throw new Error(`the daemon can't tell: ${reasons.error}`);
  if (reasons.length > 0) throw new Error(reasons.join('; '));
}
