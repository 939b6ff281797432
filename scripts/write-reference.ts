import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { editorSchemaText } from '../src/config/describe/editor-schema.ts';
import { referenceText } from '../src/config/describe/reference.ts';

// Writes what is derived from the options: docs/reference/configuration.md, and config/kazoo-relay.schema.json for editors.
// With --check it writes nothing, and fails if one of them is out of date.

const derived = {
  'docs/reference/configuration.md': referenceText(),
  'config/kazoo-relay.schema.json': editorSchemaText(),
};
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

for (const [name, text] of Object.entries(derived)) {
  const file = join(import.meta.dirname, '..', name);
  if (!values.check) writeFileSync(file, text);
  else if (textOf(file) !== text) {
    console.error(`${name} is out of date\nRun: npm run reference`);
    process.exitCode = 1;
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
