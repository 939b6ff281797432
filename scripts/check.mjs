// node scripts/check.mjs: every gate but the tests, each with its output where it fails; exit code 1 if one does.
import { spawnSync } from 'node:child_process';

const gates = {
  types: ['tsc', '-p', '.'],
  'lint and format': ['biome', 'check', '--error-on-warnings', '.'],
  'package checksums and licences': ['node', 'scripts/packages.ts'],
  'unused code': ['knip', '--no-progress'],
  'generated schemas': ['node', 'scripts/write-schemas.ts', '--check'],
  'generated reference': ['node', 'scripts/write-reference.ts', '--check'],
  'import direction': ['node', '--experimental-vm-modules', 'node_modules/jest/bin/jest.js', 'test/house.test.ts'],
};

const failed = Object.entries(gates).filter(([name, [program, ...args]]) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok     ' : 'FAILED '} ${name}`);
  if (status !== 0) console.log(`${stdout ?? ''}${stderr ?? ''}`);
  return status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
