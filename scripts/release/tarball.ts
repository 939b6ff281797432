import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pack } from './files.ts';
import type { Release } from './run.ts';

/** The program with its Node, for `deploy/install.sh` in it; for the kind of processor that it was made on. */
export async function build({ version, epoch, out, tree }: Release): Promise<void> {
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim();
  const name = `kazoo-relay-${version}-linux-${machine}`;
  pack(tree(), name, join(out, `${name}.tar.gz`), epoch);
}
