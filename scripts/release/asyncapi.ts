import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApi } from '../schemas/asyncapi.ts';
import type { Release } from './release.ts';

/** What the daemon takes and sends, for generators of code and for people. */
export async function build({ version, out }: Release): Promise<void> {
  writeFileSync(join(out, `kazoo-relay-${version}.asyncapi.json`), `${JSON.stringify(asyncApi(version), null, 2)}\n`);
}
