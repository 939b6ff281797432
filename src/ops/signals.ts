import { heed } from '../common/async/early-signals.ts';
import { type Log, setLevel } from './log.ts';

/**
 * Makes SIGUSR2 turn the log's level to debug, and back to what the configuration says. SIGUSR1 does nothing: by default
 * Node would open its debugger at it, and give whoever reaches that port the whole daemon.
 */
export function listenToSignals(log: Log): void {
  heed('SIGUSR2', () => setLevel(log, log.level === 'debug' ? log.usualLevel : 'debug'));
  heed('SIGUSR1', () => log.logger.debug('SIGUSR1 means nothing here'));
}
