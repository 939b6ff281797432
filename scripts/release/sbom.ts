import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Release } from './release.ts';

/** What all packages with a Node are made of, and under which licences: the files that they hold, to be read without them. */
export async function build({ version, out, tree }: Release): Promise<void> {
  copyFileSync(join(tree(), 'sbom.cdx.json'), join(out, `kazoo-relay-${version}.cdx.json`));
  copyFileSync(join(tree(), 'THIRD-PARTY-LICENSES.txt'), join(out, `kazoo-relay-${version}-licenses.txt`));
}
