import { pathToFileURL } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { reasonOf } from '../common/errors.ts';
import type { Json, JsonObject } from '../common/json.ts';
import { compileEcmaAsRe2 } from '../common/text/patterns.ts';
import { events, schemaId } from '../kazoo/catalogue.ts';
import { normalise } from '../kazoo/normalise.ts';
import { anyEventNamed, relayEvents } from '../kazoo/relay-events.ts';
import type { Validator } from '../kazoo/validate.ts';
import type { Problem } from '../notification/notification.ts';
import { type Accepted, createAcceptance } from './accept.ts';
import { findCostly, maxCompared } from './cost.ts';
import { createUnknownFields, fieldsIn } from './fields.ts';
import { readSchemaFiles, SchemaError, type SchemaFile } from './files.ts';
import { ownPatterns, schemaOf, unknownEvent, unknownSchema } from './generate.ts';
import { SchemaGraph } from './graph.ts';
import { problemsOf } from './problems.ts';

/**
 * Checks notifications by the built-in schemas and those of operators' folders. A file there is named after its event
 * (`voicemail_new.json`; `unknown.json` is for all that the catalogue doesn't know). It replaces the built-in schema,
 * and can refer to that by `urn:kazoo-relay:schema:voicemail_new` unless it takes that `$id` itself. Files can refer to
 * each other by `$id`, or by file name within a folder; a later folder's file replaces an earlier one's. Schemas are of
 * draft 2020-12, no other; `format` isn't checked. What stands where `accepted` says is never wrong.
 * @throws SchemaError when a folder can't be read, or a file isn't a schema that works or could take more than time in
 * proportion to a body; its message names the file.
 */
export function createValidator(folders: readonly string[], accepted: Accepted = {}): Validator {
  const files = readSchemaFiles(folders);
  const ownFields = files.size > 0 ? examine(files) : new Map<string, string[]>();
  const compile = createCompiler(files, { allErrors: false });
  for (const file of files.values()) inFile(file, () => compile(file.event)(exampleOf(file.event)));
  // Many installations never see an invalid notification: what lists all of its problems waits for the first one.
  let compileListing: Compiler | undefined;
  const accepts = createAcceptance(accepted);

  function problemsIn(event: string | null, data: JsonObject): readonly Problem[] {
    const name = schemaFor(event, files);
    const validate = compile(name);
    if (validate(data)) return none;
    // Behind the first one there may be others: it counts, whether it is accepted or not.
    if (hasMoreValues(data, maxListed)) return problemsOf(validate.errors ?? []);
    compileListing ??= createCompiler(files, { allErrors: true });
    const list = compileListing(name);
    list(data);
    return problemsOf(list.errors ?? [], ({ path }) => !accepts(event, path));
  }

  return {
    validate(event, data, found = none) {
      try {
        const problems = problemsIn(event, data);
        return found.length === 0 ? problems : [...found.filter(({ path }) => !accepts(event, path)), ...problems];
      } catch (error) {
        if (error instanceof RangeError)
          return [...found, { path: '', keyword: '$ref', message: `can't be checked: ${endless}` }];
        throw error;
      }
    },
    unknownFields: createUnknownFields(ownFields, accepts),
  };
}

const none: readonly Problem[] = [];
const endless = 'the schema refers to itself without end';

type Files = ReadonlyMap<string, SchemaFile>;

function schemaFor(event: string | null, files: Files): string {
  if (event === null) return unknownEvent;
  return files.has(event) ? event : (anyEventNamed(event)?.name ?? unknownEvent);
}

/** Gives the check of a name that `schemaFor` made; compiles it when it is asked for the first time. */
type Compiler = (name: string) => ValidateFunction;

function createCompiler(files: Files, { allErrors }: { allErrors: boolean }): Compiler {
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    validateSchema: false,
    validateFormats: false,
    logger: false,
    // V8 makes its code as fast, and the first notification of each event waits half as long.
    code: { optimize: false, regExp: patterns },
  });
  // Nothing but an operator's file refers to the built-in schemas: without one, each is made when it is needed.
  if (files.size > 0) addReferable(ajv, files);
  const compiled = new Map<string, ValidateFunction>();
  return (name) => {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const file = files.get(name);
    const key = file === undefined ? schemaId(name) : fileUrl(file);
    const validate = ajv.getSchema(key) ?? ajv.compile(builtIn(name));
    compiled.set(name, validate);
    return validate;
  };
}

/** An operator's patterns can be any, and a text from outside may be made for them: they are RE2's. */
const patterns = Object.assign(
  (pattern: string) => (ownPatterns.has(pattern) ? new RegExp(pattern, 'u') : compileEcmaAsRe2(pattern)),
  { code: 'patterns' },
);

/** Refuses what would cost too much, and gives the fields that each file knows, by event. @throws SchemaError */
function examine(files: Files): Map<string, string[]> {
  const graph = new SchemaGraph();
  for (const name of everyName) graph.add(schemaId(name), builtIn(name), schemaId(name));
  const roots = [...files.values()].map((file) => ({ file, root: graph.add(file.path, file.schema, fileUrl(file)) }));
  for (const { file, root } of roots) {
    const costly = inFile(file, () => findCostly(root, graph));
    if (costly !== undefined) throw new SchemaError(costly.path, `${costly.pointer} ${costly.what}`);
  }
  return new Map(roots.map(({ file, root }) => [file.event, fieldsIn(root, graph)]));
}

const everyName = [...[...events, ...relayEvents].map((event) => event.name), unknownEvent];

function addReferable(ajv: Ajv2020, files: Files): void {
  for (const file of files.values()) inFile(file, () => ajv.addSchema(file.schema, fileUrl(file)));
  const taken = new Set([...files.values()].map((file) => file.schema.$id));
  for (const name of everyName) {
    if (!taken.has(schemaId(name))) ajv.addSchema(builtIn(name));
  }
}

/** A URL, so that a file name as `$ref` finds the file of that name in the same folder. */
function fileUrl(file: SchemaFile): string {
  return pathToFileURL(file.path).href;
}

function builtIn(name: string): JsonObject {
  const event = anyEventNamed(name);
  return event === undefined ? unknownSchema() : schemaOf(event);
}

/** A valid body shows at creation already what a schema would make of the first notification. */
function exampleOf(name: string): JsonObject {
  const event = anyEventNamed(name);
  return event === undefined ? {} : normalise(event.example).data;
}

function inFile<T>(file: SchemaFile, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const what = error instanceof RangeError ? endless : reasonOf(error);
    throw new SchemaError(file.path, what, error);
  }
}

/**
 * Listing all that is wrong takes memory for each wrong value, and compares items of an array that has too many of them:
 * of a body with more values, the first problem is enough.
 */
const maxListed = maxCompared;

function hasMoreValues(data: JsonObject, limit: number): boolean {
  let left = limit;
  const count = (value: Json | undefined): boolean => {
    left -= 1;
    if (left < 0) return false;
    if (typeof value !== 'object' || value === null) return true;
    return Array.isArray(value) ? value.every(count) : Object.values(value).every(count);
  };
  return !count(data);
}
