import { join } from 'node:path';
import { archs } from './arch.ts';
import { pack } from './files.ts';
import type { Release } from './release.ts';

/** The program with its Node, for `deploy/install.sh` in it. */
export async function build({ version, epoch, out, tree, arch }: Release): Promise<void> {
  const name = `kazoo-relay-${version}-linux-${archs[arch].machine}`;
  pack(tree(), name, join(out, `${name}.tar.gz`), epoch);
}
