import type { Log, LogLevel } from './log.ts';

/**
 * Makes SIGUSR2 turn the log's level to debug, and back to what the configuration says. SIGUSR1 does nothing: by default
 * Node would open its debugger at it, and give whoever reaches that port the whole daemon.
 */
export function listenToSignals(log: Log): void {
  process.on('SIGUSR2', () => setLevel(log, log.level === 'debug' ? log.usualLevel : 'debug'));
  process.on('SIGUSR1', () => log.logger.debug('SIGUSR1 means nothing here'));
}

/** The configuration has another level now; where it has the same, one that was set by hand stays. */
export function setUsualLevel(log: Log, level: LogLevel): void {
  if (level === log.usualLevel) return;
  log.usualLevel = level;
  setLevel(log, level);
}

/** Says so in the log, whatever the level: whoever reads it must know why there is more of it, or less. */
export function setLevel(log: Log, level: LogLevel): void {
  if (level === log.level) return;
  const from = log.level;
  log.level = 'info';
  log.logger.info({ from, to: level }, 'the level of this log was changed');
  log.level = level;
}
