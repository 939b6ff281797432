import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeFolder } from '../src/common/fs/access.ts';
import { events } from '../src/kazoo/catalogue.ts';
import { relayEvents } from '../src/kazoo/relay-events.ts';
import { schemaOf, unknownEvent, unknownSchema } from '../src/schema/generate.ts';

// Writes schemas/*.json from the catalogue and the daemon's own events. With --check it writes nothing, and fails if one of them is out of date.

const folder = join(import.meta.dirname, '../schemas');
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

if (!values.check) makeFolder(folder, 0o777);
const wanted = schemaTexts();
const stale = staleFiles(wanted);
if (!values.check) bringUpToDate(stale, wanted);
else if (stale.length > 0) {
  console.error(`out of date in schemas/: ${stale.join(', ')}\nRun: npm run schemas`);
  process.exitCode = 1;
}

function schemaTexts(): Map<string, string> {
  const schemas = [
    ...[...events, ...relayEvents].map((event) => [event.name, schemaOf(event)] as const),
    [unknownEvent, unknownSchema()] as const,
  ];
  return new Map(schemas.map(([name, schema]) => [`${name}.json`, `${JSON.stringify(schema, null, 2)}\n`]));
}

/** Names of the files that differ from what they should be, are missing, or belong to no event. */
function staleFiles(texts: ReadonlyMap<string, string>): string[] {
  const present = readdirSync(folder).filter((name) => name.endsWith('.json'));
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
