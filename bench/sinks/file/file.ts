import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { sinkPart } from '../part.ts';

export const file = sinkPart({
  name: 'file',
  type: 'file',
  usual: 200_000,
  bare: [{ name: 'bare write and datasync', program: join(import.meta.dirname, 'bare.ts') }],
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const path = join(folder, 'notifications.ndjson');
    return {
      // One file: a bare loop rotates none.
      options: { path, maxSize: '0', rotate: '0s' },
      empty: async () => rmSync(path, { force: true }),
      async count() {
        let lines = 0;
        for await (const _ of createInterface(createReadStream(path))) lines += 1;
        return lines;
      },
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
});
