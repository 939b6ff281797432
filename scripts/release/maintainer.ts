import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Who answers for the packages, and where to reach them: the author of package.json. */
export function maintainerOf(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { author: string }).author;
}
