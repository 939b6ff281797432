import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { settle } from './files.ts';
import { manualPage } from './manual.ts';
import type { Release } from './release.ts';

const program = 'usr/lib/kazoo-relay';
export const documents = 'usr/share/doc/kazoo-relay';

/**
 * Makes `folder`: all that a package puts on a machine, at its place below it.
 * @param zsh where the system's zsh looks for completions of packages
 */
export async function layOut({ version, epoch, tree }: Release, folder: string, zsh: string): Promise<void> {
  const from = tree();
  const copy = (name: string, to: string) => cpSync(join(from, name), join(folder, to), { recursive: true });
  const write = (name: string, content: string | Buffer) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  for (const name of readdirSync(from)) {
    if (name === 'docs' || name.endsWith('.md')) copy(name, join(documents, name));
    else if (name !== 'deploy') copy(name, join(program, name));
  }
  for (const name of ['prometheus', 'grafana']) copy(join('deploy', name), join(documents, 'deploy', name));
  copy('config', join(documents, 'config'));
  copy('config/systemd.yaml', 'etc/kazoo-relay/kazoo-relay.yaml');

  write(
    'usr/lib/systemd/system/kazoo-relay.service',
    moved(readFileSync(join(from, 'deploy/systemd/kazoo-relay.service'), 'utf8')),
  );
  write('usr/bin/kazoo-relay', moved(readFileSync(join(from, 'deploy/systemd/command.sh'), 'utf8')));
  write(
    join(documents, 'examples/logrotate'),
    readFileSync(join(import.meta.dirname, '../../deploy/packages/logrotate')),
  );
  write('usr/share/man/man1/kazoo-relay.1.gz', gzipSync(await manualPage(version, epoch), { level: 9 }));
  const completion = (shell: string) =>
    execFileSync(process.execPath, [join(from, 'dist/main.js'), 'completion', shell]);
  write('usr/share/bash-completion/completions/kazoo-relay', completion('bash'));
  write('usr/share/fish/vendor_completions.d/kazoo-relay.fish', completion('fish'));
  write(join(zsh, '_kazoo-relay'), completion('zsh'));

  // Libraries bring scripts that nobody runs.
  execFileSync('chmod', ['-R', 'a-x,a+X', join(folder, program)]);
  for (const name of ['usr/bin/kazoo-relay', `${program}/bin/node`]) chmodSync(join(folder, name), 0o755);
  settle(folder, epoch);
  // Passwords are written into it.
  chmodSync(join(folder, 'etc/kazoo-relay'), 0o750);
  chmodSync(join(folder, 'etc/kazoo-relay/kazoo-relay.yaml'), 0o640);
}

/** As it stands in a package, from what deploy/install.sh installs. */
function moved(text: string): string {
  return text
    .replace('# Made by deploy/install.sh of kazoo-relay.', '# Of the package kazoo-relay.')
    .replace('file:/opt/kazoo-relay/docs/', `man:kazoo-relay(1) file:/${documents}/docs/`)
    .replaceAll('/opt/kazoo-relay', `/${program}`);
}

/** Scripts of a package, which stand alone: what all have in common comes first. @param own below deploy/packages */
export function script(root: string, own?: string): string {
  const names = [
    'deploy/systemd/service.sh',
    'deploy/packages/scripts.sh',
    ...(own === undefined ? [] : [join('deploy/packages', own)]),
  ];
  return names.map((name) => readFileSync(join(root, name), 'utf8')).join('');
}

/** The template with these values, each where its name stands between @. */
export function filledIn(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/@(\w+)@/g, (placeholder, name) => values[name] ?? placeholder);
}
