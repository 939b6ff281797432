import type { OptionIssue, OptionRule } from '../common/options/declare.ts';
import type { EnvelopeKey } from '../notification/envelope.ts';
import { amqpDeclaration } from './amqp/options.ts';
import { databaseDeclaration } from './database/declaration.ts';
import { emailDeclaration } from './email/declaration.ts';
import { execDeclaration } from './exec/options.ts';
import { fileDeclaration } from './file/options.ts';
import { logDeclaration } from './log/options.ts';
import { s3Declaration } from './s3/options.ts';
import type { SinkDeclaration, SinkLimits, SinkRoute } from './sink.ts';
import { syslogDeclaration } from './syslog/options.ts';
import { webhookDeclaration } from './webhook/declaration.ts';

/** A kind of sink whose options' type is not known here: what its functions get must have been checked against `options`. */
export interface AnySinkDeclaration
  extends Omit<SinkDeclaration<unknown>, 'isLocal' | 'limits' | 'rules' | 'requiredKeys' | 'warnings' | 'file'> {
  isLocal(options: unknown): boolean;
  limits(options: unknown): SinkLimits;
  readonly rules?: readonly OptionRule<never>[];
  requiredKeys?(options: unknown): readonly EnvelopeKey[];
  warnings?(options: unknown, route: SinkRoute): readonly OptionIssue[];
  file?(options: unknown): string;
}

/** What every kind of sink declares: all that reading, checking and describing a configuration takes. */
export const sinkDeclarations: readonly AnySinkDeclaration[] = [
  logDeclaration,
  fileDeclaration,
  databaseDeclaration,
  webhookDeclaration,
  execDeclaration,
  amqpDeclaration,
  s3Declaration,
  syslogDeclaration,
  emailDeclaration,
];

/** @throws Error for a type that there is no kind for, which a checked configuration doesn't have */
export function sinkDeclaration(type: string): AnySinkDeclaration {
  const declaration = sinkDeclarations.find((candidate) => candidate.type === type);
  if (declaration === undefined) throw new Error(`there is no sink of type "${type}"`);
  return declaration;
}
