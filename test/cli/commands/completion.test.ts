import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../../src/cli/program.ts';
import { createTerminal } from '../../../src/cli/support/terminal.ts';
import { cli } from '../../support/cli.ts';

let folder: string;
let script: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-completion-'));
  script = join(folder, 'bash');
  writeFileSync(script, (await cli(['completion', 'bash'])).stdout);
  mkdirSync(join(folder, 'some folder'));
  writeFileSync(join(folder, 'some.yaml'), '');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('bash, having sourced the completion', () => {
  test('completes every command', async () => {
    const names = (await createProgram(['completion'], createTerminal(process))).commands.map((command) =>
      command.name(),
    );
    expect(complete('')).toEqual([...names, 'help'].sort());
    expect(complete('st')).toEqual(['status']);
    expect(complete('dead ')).toEqual(['drop', 'help', 'list', 'retry', 'show']);
    expect(complete('waiting ')).toEqual(['drop', 'help', 'list', 'retry', 'show']);
  });

  test('completes the options of the command that was named, and of run where none was', () => {
    expect(complete('dead list --g')).toEqual(['--group']);
    expect(complete('status --')).toEqual([
      ...['--check', '--config', '--help', '--json'],
      ...['--utc', '--watch', '--wide'],
    ]);
    expect(complete('--reb')).toEqual(['--rebuild']);
    expect(complete('run --log-')).toEqual(['--log-format', '--log-level']);
  });

  test('completes values: words, events, files and folders', () => {
    expect(complete('run --log-level ')).toEqual(['debug', 'error', 'fatal', 'info', 'silent', 'trace', 'warn']);
    expect(complete('completion ')).toEqual(['bash', 'fish', 'zsh']);
    expect(complete('publish voicemail_')).toEqual([
      'voicemail_deleted',
      'voicemail_full',
      'voicemail_new',
      'voicemail_saved',
    ]);
    expect(complete('tail --events low')).toEqual(['low_balance']);
    expect(complete('--config so')).toEqual(['some folder', 'some.yaml']);
    expect(complete('validate --schemas so')).toEqual(['some folder']);
  });

  test('completes the routes of the configuration that is named, or of the usual one, where a route is meant', () => {
    expect(complete('replay --config=x --route cr')).toEqual(['crm', 'crm-old']);
    for (const command of ['probe', 'pause', 'resume', 'database schema', 'dead list --route', 'waiting retry -r'])
      expect([command, complete(`${command} `)]).toEqual([command, ['archive', 'crm', 'crm-old']]);
    expect(complete('probe --config other.yaml ')).toEqual(['from-other.yaml']);
    expect(complete('forget ')).toEqual(['gone', 'gone-too']);
    expect(complete('forget --config other.yaml ')).toEqual(['from-other.yaml']);
  });

  test('leaves no argument and no option out that names a route', async () => {
    const scripts = {
      bash: (await cli(['completion', 'bash'])).stdout,
      fish: (await cli(['completion', 'fish'])).stdout,
    };
    const program = await createProgram(['completion'], createTerminal(process));
    const all = (command: Command, path: string): [string, Command][] => [
      [path, command],
      ...command.commands.flatMap((inner) => all(inner, `${path} ${inner.name()}`.trim())),
    ];
    const naming = all(program, '').filter(([, { registeredArguments, options }]) =>
      [...registeredArguments.map((one) => one.name()), ...options.map(({ long }) => long ?? '')].some((name) =>
        /route/.test(name),
      ),
    );
    expect(naming.length).toBeGreaterThanOrEqual(12);
    for (const [path] of naming) {
      expect(scripts.bash).toMatch(new RegExp(`'${path}(/.*)?'\\).*_kazoo_relay_routes`));
      expect(scripts.fish).toMatch(new RegExp(`__kazoo_relay_at "${path}"' .*__kazoo_relay_routes`));
    }
  });

  test('completes nothing where nobody can know what is meant', () => {
    expect(complete('tail --accounts ')).toEqual([]);
    expect(complete('no such thing ')).not.toContain('list');
  });
});

describe('the completion', () => {
  test('is there for zsh and fish too, and for no other shell', async () => {
    expect((await cli(['completion', 'zsh'])).stdout).toMatch(/^#compdef kazoo-relay\n/);
    expect((await cli(['completion', 'fish'])).stdout).toContain('complete -c kazoo-relay');
    const { code, stderr } = await cli(['completion', 'csh']);
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are bash, zsh, fish');
  });
});

/** What bash offers for the last word of a line. */
function complete(line: string): string[] {
  const words = ['kazoo-relay', ...line.split(' ')];
  const program = `
    kazoo-relay() {
      [[ "$1 $2" == 'config routes' ]] || return
      if [[ $3 == --former ]]; then shift; [[ $# -gt 2 ]] || printf '%s\\n' gone gone-too; fi
      if [[ $3 == --config ]]; then echo "from-$4"; elif [[ $1 == config ]]; then printf '%s\\n' archive crm crm-old; fi
    }
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _kazoo_relay
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', program, 'bash', script, ...words], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout
    .split('\n')
    .filter((word) => word !== '')
    .sort();
}
