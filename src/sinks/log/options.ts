import type { Level } from 'pino';
import type { SinkDeclaration } from '../sink.ts';

export interface LogSinkOptions {
  level: Level;
}

export const logDeclaration: SinkDeclaration<LogSinkOptions> = {
  type: 'log',
  summary: 'one JSON line a notification on stdout',
  options: {
    level: {
      doc: 'Level in the lines.',
      format: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
      default: 'info',
    },
  },
  isLocal: () => true,
  limits: () => ({ batch: { max: 500, linger: 0 }, concurrency: 1 }),
};
