import type { AnySinkDeclaration } from './declarations.ts';
import type { Sink, SinkContext } from './sink.ts';

/** As `AnySinkDeclaration`. */
export interface AnySinkKind extends AnySinkDeclaration {
  connectionTest(options: unknown, context: SinkContext): Promise<string>;
  open(options: unknown, context: SinkContext): Promise<Sink>;
}

/** Every kind of sink there is, by type: a new one needs its folder, a line here, and one in `declarations.ts`. */
const sinkKinds: Readonly<Record<string, () => Promise<AnySinkKind>>> = {
  log: async () => (await import('./log/sink.ts')).logSink,
  file: async () => (await import('./file/sink.ts')).fileSink,
  database: async () => (await import('./database/sink.ts')).databaseSink,
  webhook: async () => (await import('./webhook/sink.ts')).webhookSink,
  exec: async () => (await import('./exec/sink.ts')).execSink,
  amqp: async () => (await import('./amqp/sink.ts')).amqpSink,
  s3: async () => (await import('./s3/sink.ts')).s3Sink,
  syslog: async () => (await import('./syslog/sink.ts')).syslogSink,
  email: async () => (await import('./email/sink.ts')).emailSink,
};

/**
 * Loads a kind of sink: its code and libraries are in memory only where a route uses it.
 * @throws Error for a type that there is no kind for, which a checked configuration doesn't have
 */
export async function sinkKind(type: string): Promise<AnySinkKind> {
  const load = sinkKinds[type];
  if (load === undefined) throw new Error(`there is no sink of type "${type}"`);
  return load();
}
