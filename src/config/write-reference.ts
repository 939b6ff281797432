import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { referenceText } from './reference.ts';

// Writes docs/configuration.md from the options. With --check it writes nothing, and fails if it is out of date.

const file = join(import.meta.dirname, '../../docs/configuration.md');
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

if (!values.check) writeFileSync(file, referenceText());
else if (readFileSync(file, 'utf8') !== referenceText()) {
  console.error('docs/configuration.md is out of date\nRun: npm run reference');
  process.exitCode = 1;
}
