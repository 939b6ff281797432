import pino, { type DestinationStream, type Level, type Logger } from 'pino';

export interface LogOptions {
  readonly level: Level | 'silent';
  /** `auto` is `pretty` on a terminal, else `json`. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** The daemon's own log, on stderr: stdout belongs to the log sink. */
export async function createLog(options: LogOptions): Promise<Logger> {
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isPretty ? await prettyStderr() : pino.destination({ dest: 2, sync: true }),
  );
}

async function prettyStderr(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: 2, sync: true, translateTime: 'SYS:HH:MM:ss.l', colorize: process.stderr.isTTY });
}
