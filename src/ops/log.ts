import { isatty } from 'node:tty';
import pino, { type Level, type Logger } from 'pino';
import { onSignal } from '../common/async/early-signals.ts';
import { withoutWaiting } from '../common/fs/descriptor.ts';
import { messages } from '../common/messages.ts';
import { printable } from '../common/text/format.ts';
import { LineBuffer } from './line-buffer.ts';
import { LogDeduplicator } from './log-deduplicator.ts';

export type LogLevel = Level | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto` is `pretty` on a terminal, else `json`. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** The daemon's own log, and its level, which may be changed while it runs. */
export interface Log {
  readonly logger: Logger;
  level: LogLevel;
  /** What the configuration says, from which `level` may differ for a while. */
  usualLevel: LogLevel;
  /** How many lines it has written, by level. */
  readonly lines: ReadonlyMap<string, number>;
  /** Writes what was held back, as far as that takes no longer than a second. */
  close(): Promise<void>;
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/**
 * Opens the daemon's own log, on stderr: stdout belongs to the log sink. Warnings and errors that repeat themselves are
 * grouped, see `LogDeduplicator`. A stderr that fails or isn't read holds nothing up, see `LineBuffer`.
 */
export async function createLog(options: LogOptions, descriptor = withoutWaiting(2)): Promise<Log> {
  const isTerminal = isatty(descriptor);
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && isTerminal);
  const formatLine = isPretty ? await prettyText(isTerminal) : (line: string) => `${printable(line.trimEnd())}\n`;
  const buffer = new LineBuffer(descriptor, (dropped) => {
    logger.warn({ dropped }, messages.linesDropped);
  });
  process.once('exit', () => buffer.writeNow());
  const lines = new Map<string, number>();
  const deduplicator = new LogDeduplicator();
  let level = options.level;
  let threshold = numberOf(level);
  const logger = pino(
    {
      // The children that it makes keep its level; so that all of them can be changed at once, it is kept here.
      level: 'trace',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, write, value) {
          if (value < threshold) return;
          deduplicator.pass(args, value, this, (line) => {
            const label = pino.levels.labels[value] ?? '';
            lines.set(label, (lines.get(label) ?? 0) + 1);
            write.apply(this, line);
          });
        },
      },
    },
    { write: (line) => buffer.write(formatLine(line)) },
  );
  return {
    logger,
    lines,
    usualLevel: level,
    get level() {
      return level;
    },
    set level(wanted) {
      level = wanted;
      threshold = numberOf(wanted);
    },
    async close() {
      deduplicator.close();
      await buffer.close();
    },
  };
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
  log.logger.info({ from, to: level }, messages.levelChanged);
  log.level = level;
}

/**
 * Makes SIGUSR2 turn the log's level to debug, and back to what the configuration says. SIGUSR1 does nothing: by default
 * Node would open its debugger at it, and give whoever reaches that port the whole daemon.
 */
export function listenToSignals(log: Log): void {
  onSignal('SIGUSR2', () => setLevel(log, log.level === 'debug' ? log.usualLevel : 'debug'));
  onSignal('SIGUSR1', () => log.logger.debug('SIGUSR1 means nothing here'));
}

function numberOf(level: LogLevel): number {
  return level === 'silent' ? Number.POSITIVE_INFINITY : (pino.levels.values[level] ?? 0);
}

async function prettyText(colorize: boolean): Promise<(line: string) => string> {
  const { default: pretty } = await import('pino-pretty');
  const prettyLine = pretty.prettyFactory({ translateTime: 'SYS:HH:MM:ss.l', colorize });
  return (line) => prettyLine(line).split(itsOwn).map(printableBetween).join('');
}

/** What a line that was made pretty has of its own: ends of lines and colours. */
const itsOwn = new RegExp(`(\\n|${String.fromCharCode(27)}\\[\\d{1,3}m)`);

/** Reasons hold what brokers and receivers have answered. Every other part is one of those that the text was split by. */
function printableBetween(part: string, index: number): string {
  return index % 2 === 0 ? printable(part) : part;
}
