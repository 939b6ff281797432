import { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { databaseSchema } from '../../sinks/database/sink.ts';
import type { Terminal } from '../support/terminal.ts';
import { orExit } from '../support/terminal.ts';

export function databaseCommand(terminal: Terminal): Command {
  return new Command('database')
    .description('show what the database sinks of the configuration need')
    .addCommand(schema(terminal))
    .addHelpText('after', '\nExample:\n  kazoo-relay database schema calls');
}

function schema(terminal: Terminal): Command {
  return new Command('schema')
    .description('print the SQL that creates the table of a route, to run as a user who may create tables')
    .argument('<route>', 'name of a route whose sink is a database')
    .option('-c, --config <file>', 'configuration file')
    .addHelpText(
      'after',
      "\nExit code: 0 printed, 2 there is no such route, or the configuration can't be read.\n\nExample:\n  kazoo-relay database schema calls | psql --single-transaction kazoo",
    )
    .action((route: string, { config }: { config?: string }) =>
      orExit(
        terminal,
        () => 2,
        () => printSchema(terminal, route, findConfigFile(config, terminal.env)),
      ),
    );
}

async function printSchema(terminal: Terminal, name: string, file: string): Promise<void> {
  const { routes } = loadConfig(file, terminal);
  const route = routes.find((candidate) => candidate.name === name);
  if (route?.sink.type !== 'database') {
    const names = routes.filter(({ sink }) => sink.type === 'database').map((candidate) => candidate.name);
    const hint = names.length === 0 ? 'no route has one' : `there are ${names.join(', ')}`;
    throw new Error(`${file} has no route ${name} with a database sink; ${hint}`);
  }
  for (const statement of databaseSchema(route.sink.options)) await terminal.print(`${statement};\n`);
}
