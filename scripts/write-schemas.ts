import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeFolder } from '../src/common/fs/access.ts';
import type { JsonObject } from '../src/common/json.ts';
import { schemaOf, unknownEvent, unknownSchema } from '../src/schema/generate.ts';
import { allEvents, envelopeSchema } from './schemas/envelope.ts';
import { typesText } from './schemas/types.ts';

// Writes schemas/: of each event of the catalogue and of the daemon's own a file, and in all/ what concerns all of them. With --check it writes nothing, and fails if one of them is out of date.

const folder = join(import.meta.dirname, '../schemas');
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

if (!values.check) makeFolder(join(folder, 'all'), 0o777);
const wanted = textsOfFiles();
const stale = staleFiles(wanted);
if (!values.check) bringUpToDate(stale, wanted);
else if (stale.length > 0) {
  console.error(`out of date in schemas/: ${stale.join(', ')}\nRun: npm run schemas`);
  process.exitCode = 1;
}

function textsOfFiles(): Map<string, string> {
  return new Map([
    ...allEvents.map((event) => [`${event.name}.json`, jsonText(schemaOf(event))] as const),
    [`${unknownEvent}.json`, jsonText(unknownSchema())],
    ['all/envelope.json', jsonText(envelopeSchema())],
    ['all/events.d.ts', typesText()],
    // Types alone: but who imports them without `type` loads this.
    ['all/events.js', 'export {};\n'],
  ]);
}

function jsonText(schema: JsonObject): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Names of the files that differ from what they should be, are missing, or belong to no event. */
function staleFiles(texts: ReadonlyMap<string, string>): string[] {
  const present = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
  return [...new Set([...texts.keys(), ...present])]
    .filter((name) => !present.includes(name) || readFileSync(join(folder, name), 'utf8') !== texts.get(name))
    .sort();
}

function bringUpToDate(names: readonly string[], texts: ReadonlyMap<string, string>): void {
  for (const name of names) {
    const text = texts.get(name);
    if (text === undefined) rmSync(join(folder, name));
    else writeFileSync(join(folder, name), text);
  }
}
