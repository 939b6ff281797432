import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** This program's version. package.json stands beside src/ and, in what is installed, beside dist/. */
export const version = versionIn(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));

function versionIn(text: string): string {
  const { version: found } = JSON.parse(text) as { version: string }; // npm packs nothing without one
  return found;
}
