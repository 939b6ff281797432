import { globSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram, runCli } from '../../src/cli/program.ts';
import { createTerminal } from '../../src/cli/support/terminal.ts';
import { cli, cliProcess } from '../support/cli.ts';

const program = await createProgram(['--help'], createTerminal(process));
const commands = commandsIn(program, 'kazoo-relay');

describe('--help', () => {
  test.each(commands.map(({ path }) => path))('of %s ends with an example that begins with its name', (path) => {
    const help = helpOf(path);
    const [, examples = ''] = help.split(/\nExamples?:\n/);
    expect(examples).toContain(`  ${path}`);
  });

  test('says of every option and every command what it is for', () => {
    const silent = commands.flatMap(({ path, command }) => [
      ...command.options.filter(({ description }) => description === '').map(({ flags }) => `${path} ${flags}`),
      ...(command.description() === '' ? [path] : []),
    ]);
    expect(silent).toEqual([]);
  });

  test('says of every command that does something what its exit code means', () => {
    const silent = commands.filter(({ command }) => command.commands.length === 0).map(({ path }) => path);
    expect(silent.filter((path) => !helpOf(path).includes('\nExit code: 0 '))).toEqual([]);
  });

  test.each([72, 80, 120])('fits a terminal of %i columns, but for examples', async (width) => {
    const stdout = Object.assign(new PassThrough(), { columns: width });
    const [written] = await Promise.all([
      text(stdout),
      runCli(['replay', '--help'], { ...process, stdout }).finally(() => stdout.end()),
    ]);
    const [prose = '', examples] = written.split('\nExamples:\n');
    expect(prose.split('\n').filter((line) => line.length > width)).toEqual([]);
    // The added part is wrapped anew, and not only where it was too long.
    expect(prose).toMatch(width === 120 ? /because\nit will be/ : /it will/);
    expect(examples).toContain(
      "\n  kazoo-relay replay --route crm --since 2026-11-20T00:00:00Z --until 2026-11-21T00:00:00Z --events 'voicemail_*'\n",
    );
  });

  test('says which command is run where none is named', () => {
    expect(helpOf('kazoo-relay')).toMatch(/\n {2}run .*(?:\n {5,}.*)*the default\s+command without a terminal\n/);
  });

  test('is what a terminal gets for the name alone', async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    expect(await runCli([], { stdin, stdout, stderr: new PassThrough(), env: {} })).toBe(0);
    expect(String(stdout.read())).toMatch(/^Usage: kazoo-relay .*\n.*\n {2}check /s);
  });

  test('is not what a service gets: it runs, with a warning where it names no command', async () => {
    const env = { KAZOO_RELAY_CONFIG: '/nowhere.yaml' };
    const unnamed = await cli([], '', env);
    const named = await cli(['run'], '', env);
    expect(unnamed.stderr).toBe(`${unnamed.stderr.split('\n')[0]}\n${named.stderr}`);
    expect(unnamed.stderr).toContain('write kazoo-relay run');
    expect([unnamed.code, named.code]).toEqual([2, 2]);
  });

  test('shows examples whose options there are', () => {
    const wrong = commands.flatMap(({ path, command }) => {
      const [, examples = ''] = helpOf(path).split(/\nExamples?:\n/);
      const own = examples.split('\n').filter((line) => line.includes(path));
      const flags = own
        .flatMap((line) => (line.split(' | ')[0] ?? '').match(/ --?[a-z][a-z-]*/g) ?? [])
        .map((flag) => flag.trim());
      const known = ['--help', ...command.options.flatMap(({ short, long }) => [short, long])];
      const below = command.commands.flatMap((inner) => inner.options.flatMap(({ short, long }) => [short, long]));
      return flags.filter((flag) => ![...known, ...below].includes(flag)).map((flag) => `${path} ${flag}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('the documentation', () => {
  const pages = ['README.md', ...globSync('docs/**/*.md')];
  const shown = pages.flatMap((page) => linesIn(readFileSync(page, 'utf8')));

  test('shows command lines that the program takes', () => {
    expect(shown.length).toBeGreaterThan(80);
    expect(shown.filter((line) => unknownIn(line).length > 0)).toEqual([]);
  });

  test('shows every command', () => {
    const names = commands.map(({ path }) => path.replace('kazoo-relay', '').trim());
    expect(names.filter((name) => !shown.some((line) => line.startsWith(name)))).toEqual([]);
  });
});

/** What stands behind the program's name in a line of code, up to the end of that command. */
function linesIn(page: string): string[] {
  const names = program.commands.map((command) => command.name()).join('|');
  const line = new RegExp(`(?:kazoo-relay|npm run -s relay --) ((?:${names})\\b(?:[^\\n\`|;#>)"']|'[^'\\n]*')*)`, 'g');
  return [...page.matchAll(line)].map(([, command = '']) => command.trim());
}

function unknownIn(line: string): string[] {
  const words = line.replaceAll("'", '').split(/\s+/);
  let command = program;
  for (let inner: Command | undefined = program; inner !== undefined; ) {
    command = inner;
    inner = command.commands.find((one) => one.name() === words[0]);
    if (inner !== undefined) words.shift();
  }
  return command.parseOptions(words).unknown;
}

describe('a command line that is wrong', () => {
  test.each([
    [['run', 'my.yaml'], 'run takes no file: use --config my.yaml'],
    [['my.yaml'], "there is no command 'my.yaml'; for a configuration file use --config my.yaml"],
    [['statsu'], "there is no command 'statsu'; did you mean status?"],
    [['--nonsense'], "unknown option '--nonsense'"],
    [['dead', 'nonsense'], "unknown command 'nonsense'"],
    [['status', '--check', 'nonsense'], 'Allowed choices are live, ready'],
    [['run', '--config', '/nowhere.yaml'], "/nowhere.yaml: can't be read"],
    [['status', '--config', '/nowhere.yaml'], "/nowhere.yaml: can't be read"],
    [['reload', '--config', '/nowhere.yaml'], 'there is no file /nowhere.yaml'],
  ])('%j ends with 2 and says what to do', async (args, message) => {
    expect(await cli(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  });
});

test('on an older Node it says which one it needs', async () => {
  const older = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})";
  const { code, stderr } = await cliProcess(['status'], {
    env: { NODE_OPTIONS: `--import=data:text/javascript,${older}` },
  });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'kazoo-relay: it needs Node 24 or later; this is Node 20.20.2\n',
  });
});

describe('--version', () => {
  test.each(['--version', '-V'])('as %s says which one it is', async (flag) => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await cli([flag])).toEqual({ stdout: `kazoo-relay ${version}\n`, stderr: '', code: 0 });
  });
});

function commandsIn(command: Command, path: string): { path: string; command: Command }[] {
  return [{ path, command }, ...command.commands.flatMap((inner) => commandsIn(inner, `${path} ${inner.name()}`))];
}

/** All of it: what is added to a help stands only in what is written out. */
function helpOf(path: string): string {
  const { command } = commands.find((candidate) => candidate.path === path) ?? { command: program };
  let text = '';
  const writeOut = (part: string) => {
    text += part;
  };
  command.configureOutput({ writeOut });
  command.outputHelp();
  return text;
}
