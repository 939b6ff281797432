import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHolder, type JsonObject } from '../../src/common/json.ts';
import { commonFields, events } from '../../src/kazoo/catalogue.ts';
import type { EventDefinition } from '../../src/kazoo/event.ts';

/** Writes what `wireSchema` gives of each event into the folder. @returns the files, by the events' names */
export function writeWireSchemas(folder: string): ReadonlyMap<string, string> {
  mkdirSync(folder, { recursive: true });
  return new Map(
    events.map((event) => {
      const file = join(folder, `${event.name}.json`);
      writeFileSync(file, JSON.stringify(wireSchema(event)));
      return [event.name, file];
    }),
  );
}

/**
 * Our schema of an event, as users of another program would have to write it: with the keys of the wire, which only we
 * normalise, and for validators that don't know our draft.
 */
function wireSchema(event: EventDefinition): JsonObject {
  const file = new URL(`../../schemas/${event.name}.json`, import.meta.url);
  const { $schema, $id, examples, ...schema }: JsonObject = JSON.parse(readFileSync(file, 'utf8'));
  const wires = new Map([...commonFields, ...event.fields].map(({ name, wire }) => [name, wire]));
  const wireOf = (name: string) => wires.get(name) ?? name;
  const properties = isHolder(schema.properties) ? Object.entries(schema.properties) : [];
  const required = Array.isArray(schema.required) ? schema.required : [];
  return {
    ...schema,
    properties: Object.fromEntries(properties.map(([name, property]) => [wireOf(name), property])),
    required: required.map((name) => wireOf(String(name))),
  };
}
