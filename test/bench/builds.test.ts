import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { openBuild } from '../../bench/compare/builds.ts';

const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-builds-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { signal } = new AbortController();

test('a folder that holds dist/ is a build as it is', async () => {
  mkdirSync(join(folder, 'built/dist'), { recursive: true });
  const program = join(folder, 'built/dist/main.js');
  writeFileSync(program, '');
  expect(await openBuild(join(folder, 'built'), folder, signal)).toEqual({ name: join(folder, 'built'), program });
});

test.each(['no-such-commit', 'src', '--help'])('%s is refused: it is neither a build nor a commit', async (name) => {
  await expect(openBuild(name, folder, signal)).rejects.toThrow(
    `${name} is neither a folder that holds dist/main.js nor a commit of this repository`,
  );
});

test('an interrupt ends the building of a commit', async () => {
  const reason = new Error('ended by SIGINT');
  await expect(openBuild('HEAD', folder, AbortSignal.abort(reason))).rejects.toThrow(reason);
});
