import { databaseSink } from './database/sink.ts';
import { fileSink } from './file.ts';
import { logSink } from './log.ts';
import type { DoubtedRoute, EnvelopeKey, Flow, OptionMistake, Sink, SinkContext, SinkKind } from './sink.ts';
import { webhookSink } from './webhook/webhook.ts';

/** A kind of sink whose options are its own affair: what `open` gets must have been checked against `options`. */
export interface AnySinkKind
  extends Omit<SinkKind<unknown>, 'open' | 'flow' | 'check' | 'needs' | 'doubts' | 'file' | 'examine'> {
  flow(options: unknown): Flow;
  check?(options: unknown): readonly OptionMistake[];
  needs?(options: unknown): readonly EnvelopeKey[];
  doubts?(options: unknown, route: DoubtedRoute): readonly OptionMistake[];
  file?(options: unknown): string;
  examine(options: unknown, context: SinkContext): Promise<string>;
  open(options: unknown, context: SinkContext): Promise<Sink>;
}

/** Every kind of sink there is: a new one needs its file and a line here. */
export const sinkKinds: readonly AnySinkKind[] = [logSink, fileSink, databaseSink, webhookSink];

/** @throws Error for a type that there is no kind for, which a checked configuration doesn't have */
export function sinkKind(type: string): AnySinkKind {
  const kind = sinkKinds.find((candidate) => candidate.type === type);
  if (kind === undefined) throw new Error(`there is no sink of type "${type}"`);
  return kind;
}
