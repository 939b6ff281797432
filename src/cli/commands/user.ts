import { text } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import { hashPassword } from '../../common/password-hash.ts';
import { orExit, type Terminal } from '../support/terminal.ts';

interface Options {
  readonly role: 'reader' | 'operator';
}

export function userCommand(terminal: Terminal): Command {
  const add = new Command('add')
    .description('print the lines of the configuration that let a user log in to the page')
    .argument('<name>', 'name of the user')
    .addOption(
      new Option('-r, --role <role>', 'reader sees everything, operator acts too')
        .choices(['reader', 'operator'])
        .default('reader'),
    )
    .addHelpText('after', help)
    .action((name: string, { role }: Options) =>
      orExit(
        terminal,
        () => 2,
        () => addUser(terminal, name, role),
      ),
    );
  return new Command('user')
    .description('make users of the page')
    .addHelpText('after', '\nExample:\n  kazoo-relay user add anna --role operator')
    .addCommand(add);
}

const help = `
It asks for the password, or takes the first line of stdin for it. Put what it prints into the configuration and reload; only a
hash of the password stands there (scrypt).

Exit code: 0 printed, 2 not.

Examples:
  kazoo-relay user add anna --role operator
  pass show kazoo-relay | kazoo-relay user add anna`;

const shortest = 12;

async function addUser(terminal: Terminal, name: string, role: Options['role']): Promise<void> {
  const password = terminal.stdin.isTTY
    ? await terminal.askSecret('Password')
    : ((await text(terminal.stdin)).split(/\r?\n/)[0] ?? '');
  if (password.length < shortest) throw new Error(`the password must have ${shortest} characters at least`);
  if (terminal.stdin.isTTY && (await terminal.askSecret('Again')) !== password)
    throw new Error('the two are not the same');
  // JSON's strings are YAML's.
  const values = [JSON.stringify(name), role, JSON.stringify(await hashPassword(password))];
  const [named, acts, hash] = values;
  await terminal.print(
    [
      'http:',
      '  access:',
      '    users:',
      `      - name: ${named}`,
      `        role: ${acts}`,
      `        password: ${hash}`,
    ].join('\n'),
  );
}
