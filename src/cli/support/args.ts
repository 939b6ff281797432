import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isOption } from '../../common/options/declare.ts';
import { rootOptions } from '../../config/options.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { leavesOf } from '../../config/read/tree.ts';
import { type Flag, type Overrides, pathFrom } from '../../config/read/variables.ts';
import type { Terminal } from './terminal.ts';

/**
 * The configuration file to use, for a command whose exit code tells a configuration that is wrong from one that isn't
 * there.
 * @throws Error where it isn't there
 */
export function presentConfigFile(named: string | undefined, env: NodeJS.ProcessEnv): string {
  const file = findConfigFile(named, env);
  if (existsSync(file)) return file;
  throw new Error(`there is no file ${file}, or it may not be seen: name the configuration with --config`);
}

/** What every command has that shows more than fits a terminal. */
export function withWide(command: Command, terminal: Terminal): Command {
  return command.option('--wide', 'show everything in full, even if the terminal is narrower').on('option:wide', () => {
    terminal.wide = true;
  });
}

/** What every command has that shows or takes times. */
export function withTimeZone(command: Command, terminal: Terminal): Command {
  return command.option('--utc', 'show and read times in UTC, not in local time').on('option:utc', () => {
    terminal.utc = true;
  });
}

/** Gives a command the flags that go before what the configuration says. */
export function takesOverrides(command: Command): Command {
  command.option(
    '--set <option=value>',
    'override an option of the file: --set log.level=debug; may be repeated',
    parseSetting,
  );
  for (const { flag, doc, choices } of ownFlags) {
    const option = new Option(`--${flag} <value>`, doc);
    command.addOption(choices === undefined ? option : option.choices(choices));
  }
  return command;
}

/** What the flags of such a command, and the environment, say. */
export function overridesOf(given: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv): Overrides {
  const set = (given.set ?? []) as readonly Flag[]; // as `parseSetting` makes them
  const own = ownFlags.flatMap(({ flag, path }): Flag[] => {
    const text = given[flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    return typeof text === 'string' ? [{ source: `--${flag}`, path, text }] : [];
  });
  return { env, flags: [...set, ...own] };
}

/** The options that have a flag of their own. */
const ownFlags = leavesOf(rootOptions).flatMap(({ path, node }) => {
  if (!isOption(node) || node.flag === undefined) return [];
  const { flag, doc, format } = node;
  return [{ flag, path, doc, choices: Array.isArray(format) ? format.map(String) : undefined }];
});

function parseSetting(text: string, previous: readonly Flag[] = []): readonly Flag[] {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  const path = pathFrom(name);
  if (path === undefined)
    throw new InvalidArgumentError('It must be an option and its value, such as log.level=debug.');
  return [...previous, { source: `--set ${name}`, path, text: value }];
}

/** Values with commas, or given again. */
export function list(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, ...value.split(',').map((item) => item.trim())].filter((item) => item !== '');
}

/** A whole number from 0 on. */
export function count(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a whole number from 0 on.');
}
