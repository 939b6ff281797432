import { isAbsolute } from 'node:path';
import type { OptionTree } from '../../common/options/declare.ts';
import { orReference } from '../../common/options/value-checks.ts';
import type { SinkDeclaration } from '../sink.ts';

export interface ExecSinkOptions {
  readonly command: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly batch: { readonly max: number; readonly linger: number };
  readonly stopTimeout: number;
}

const options: OptionTree = {
  command: {
    doc: 'Program, by its whole path, and its arguments: [/usr/bin/python3, /opt/hooks/notify.py]. There is no shell.',
    items: { doc: 'A part of it.', format: 'text', default: null },
    default: [],
  },
  directory: { doc: 'Working directory of the program.', format: 'path', default: '/' },
  environment: {
    doc: 'Variables of its environment, beside PATH, HOME, LANG, TZ and KAZOO_RELAY_ROUTE. It gets none of the daemon’s.',
    each: { doc: 'Value of a variable.', format: 'text', default: null, sensitive: true },
  },
  batch: {
    max: {
      doc: 'Maximum number of notifications that it is given before it has answered the first; `timeout` is for all of them.',
      format: 'positive number',
      default: 1,
    },
    linger: { doc: 'Maximum time that a notification waits for others.', format: 'duration', default: 0 },
  },
  stopTimeout: {
    doc: 'Time from the end of its input until it is killed.',
    format: 'positive duration',
    default: 5_000,
  },
};

export const execDeclaration: SinkDeclaration<ExecSinkOptions> = {
  type: 'exec',
  summary: 'a program of yours, in any language: it reads a line for each notification, and answers with one',
  options,
  isLocal: () => true,
  limits: ({ batch }) => ({ batch, concurrency: 1 }),
  rules: [
    ({ command }) =>
      command.length > 0 ? [] : [{ path: ['command'], message: 'must name a program: [/usr/local/bin/notify]' }],
    ({ command: [program] }) =>
      program === undefined || isAbsolute(program)
        ? []
        : [{ path: ['command', 0], message: `must be the whole path of the program: "type -P" in a shell says it` }],
    ({ environment }) =>
      Object.keys(environment)
        .filter((name) => !/^[A-Za-z_]\w*$/.test(name))
        .map((name) => ({ path: ['environment', name], message: 'is no name of a variable' })),
  ],
  schemaRules: [{ required: ['command'], properties: { command: orReference({ type: 'array', minItems: 1 }) } }],
};
