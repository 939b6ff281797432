import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const sums = 'SHA256SUMS';

/** Writes SHA256SUMS of all files in the folder and, where there is a key, a detached signature beside each of them. */
export function seal(folder: string, key: string | undefined): void {
  // Signatures of what was built before say nothing of what is there now.
  for (const name of filesIn(folder)) if (name.endsWith('.asc') || name === sums) rmSync(join(folder, name));
  const lines = filesIn(folder).map((name) => `${sha256(join(folder, name))}  ${name}\n`);
  writeFileSync(join(folder, sums), lines.join(''));
  if (key === undefined) return;
  for (const name of filesIn(folder)) {
    const args = ['--batch', '--yes', '--armor', '--detach-sign', '--local-user', key, join(folder, name)];
    execFileSync('gpg', args, { stdio: ['inherit', 'ignore', 'inherit'] });
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => lstatSync(join(folder, name)).isFile())
    .toSorted();
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
