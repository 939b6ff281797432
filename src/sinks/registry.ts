import { databaseSink } from './database/sink.ts';
import type { AnySinkDeclaration } from './declarations.ts';
import { fileSink } from './file/sink.ts';
import { logSink } from './log/sink.ts';
import type { Sink, SinkContext } from './sink.ts';
import { webhookSink } from './webhook/sink.ts';

/** As `AnySinkDeclaration`. */
export interface AnySinkKind extends AnySinkDeclaration {
  connectionTest(options: unknown, context: SinkContext): Promise<string>;
  open(options: unknown, context: SinkContext): Promise<Sink>;
}

/** Every kind of sink there is: a new one needs its folder, a line here, and one in `declarations.ts`. */
const sinkKinds: readonly AnySinkKind[] = [logSink, fileSink, databaseSink, webhookSink];

/** @throws Error for a type that there is no kind for, which a checked configuration doesn't have */
export function sinkKind(type: string): AnySinkKind {
  const kind = sinkKinds.find((candidate) => candidate.type === type);
  if (kind === undefined) throw new Error(`there is no sink of type "${type}"`);
  return kind;
}
