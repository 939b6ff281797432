import { spawnSync } from 'node:child_process';

/** Builds this checkout: what users run is measured, and that is built. @throws Error where that fails */
export function build(): void {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build has failed');
}
