import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import { editorSchemaText } from '../../config/describe/editor-schema.ts';
import { configText } from '../../config/describe/show.ts';
import { loadPartialConfig, type PartialConfig, readConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import { overridesOf, takesOverrides } from '../support/args.ts';
import { withOpen } from '../support/journal.ts';
import type { Terminal } from '../support/terminal.ts';
import { orExit } from '../support/terminal.ts';

export function configCommand(terminal: Terminal): Command {
  return new Command('config')
    .description('show the configuration, or the schema of one')
    .addCommand(show(terminal))
    .addCommand(routes(terminal))
    .addCommand(schema(terminal))
    .addHelpText('after', '\nExample:\n  kazoo-relay config show --origin');
}

function show(terminal: Terminal): Command {
  return takesOverrides(new Command('show'))
    .description('print the effective value of every option, as YAML; secrets are masked')
    .option('-c, --config <file>', 'configuration file')
    .option('--origin', 'add to each value where it comes from: file and line, variable, flag, or default')
    .addHelpText(
      'after',
      "\nExit code: 0 shown, 2 wrong options, or a configuration that can't be used.\n\nExample:\n  kazoo-relay config show --origin | grep -v default",
    )
    .action((options: { config?: string; origin?: true }) =>
      orExit(
        terminal,
        () => 2,
        async () => {
          const loaded = readConfig(
            findConfigFile(options.config, terminal.env),
            overridesOf({ ...options }, terminal.env),
          );
          for (const line of configText(loaded, options.origin ?? false)
            .trimEnd()
            .split('\n'))
            await terminal.print(printable(line));
        },
      ),
    );
}

function routes(terminal: Terminal): Command {
  return new Command('routes')
    .description('print the names of the routes, one a line')
    .option('-c, --config <file>', 'configuration file')
    .option('--former', 'those that were removed from it, but are still in the journal')
    .addHelpText(
      'after',
      "\nExit code: 0 printed, 2 wrong options, or a configuration or, with --former, a journal that can't be read.\n\nExample:\n  kazoo-relay config routes",
    )
    .action((options: { config?: string; former?: true }) =>
      orExit(
        terminal,
        () => 2,
        async () => {
          const config = loadPartialConfig(findConfigFile(options.config, terminal.env), terminal.env);
          const names = config.routes.map(({ name }) => name);
          for (const name of options.former ? await formerAmong(names, config) : names)
            await terminal.print(printable(name));
        },
      ),
    );
}

async function formerAmong(names: readonly string[], { journal }: PartialConfig): Promise<string[]> {
  const { routes } = await withOpen(storeAt(journal).openReader(), (reader) => reader.summary());
  return routes.flatMap(({ name }) => (names.includes(name) ? [] : [name]));
}

function schema(terminal: Terminal): Command {
  return new Command('schema')
    .description('print a JSON Schema of the configuration, for editors with a YAML language server')
    .addHelpText(
      'after',
      '\nExit code: 0 printed, 2 wrong options.\n\nExample:\n  kazoo-relay config schema > kazoo-relay.schema.json',
    )
    .action(() => terminal.print(editorSchemaText().trimEnd()));
}
