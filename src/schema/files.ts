import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { reasonOf } from '../common/errors.ts';
import { fileReasonOf, folderReasonOf } from '../common/fs/fs-errors.ts';
import { readNamedText } from '../common/fs/named-file.ts';
import { isObject, type Json, type JsonObject } from '../common/json.ts';
import { eventNamed, events, schemaId } from '../kazoo/catalogue.ts';
import { relayEvents } from '../kazoo/relay-events.ts';
import { dialect, unknownEvent } from './generate.ts';
import { problemsOf } from './problems.ts';

/** A JSON Schema that an operator wrote. */
export interface SchemaFile {
  readonly path: string;
  /** The event it is for: the file's base name, an alias replaced by the catalogue's name. */
  readonly event: string;
  readonly schema: JsonObject;
}

/** An operator's schema, or a folder of them, can't be used. The message names it and says what is wrong. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';

  constructor(path: string, what: string, cause?: unknown) {
    super(`schema ${path}: ${what}`, { cause });
  }
}

/**
 * Every `*.json` of these folders, by event; a later folder's file takes the place of an earlier one's. Hidden files
 * are passed over.
 * @throws SchemaError when a folder or file can't be read, a file isn't a JSON Schema of draft 2020-12, or two files
 * are for the same event of one folder or have the same `$id`.
 */
export function readSchemaFiles(folders: readonly string[]): Map<string, SchemaFile> {
  const files = new Map(folders.flatMap((folder) => [...readFolder(folder)]));
  if (files.size > 0) checkMeta(files.values());
  checkIds(files.values());
  return files;
}

function readFolder(folder: string): Map<string, SchemaFile> {
  const files = new Map<string, SchemaFile>();
  for (const name of namesIn(folder)) {
    const file = readSchemaFile(join(folder, name), eventOf(name));
    const other = files.get(file.event);
    if (other !== undefined)
      throw new SchemaError(file.path, `${other.path} is for the same event: remove one of them`);
    files.set(file.event, file);
  }
  return files;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(extension) && !name.startsWith('.'))
      .sort();
  } catch (error) {
    throw new SchemaError(folder, `the folder can't be read: ${folderReasonOf(error)}`, error);
  }
}

const extension = '.json';

function eventOf(fileName: string): string {
  const name = fileName.slice(0, -extension.length);
  return eventNamed(name)?.name ?? name;
}

function readSchemaFile(path: string, event: string): SchemaFile {
  const schema = parse(path, read(path));
  if (!isObject(schema)) throw new SchemaError(path, 'it must hold a JSON object');
  const { $schema = dialect } = schema;
  if ($schema !== dialect && $schema !== `${dialect}#`) {
    throw new SchemaError(path, `its $schema is ${JSON.stringify($schema)}; only "${dialect}" is supported`);
  }
  if (schema.$async !== undefined) throw new SchemaError(path, '"$async" is not supported: remove it');
  return { path, event, schema };
}

function read(path: string): string {
  try {
    return readNamedText(path).text;
  } catch (error) {
    throw new SchemaError(path, `it can't be read: ${fileReasonOf(error)}`, error);
  }
}

function parse(path: string, text: string): Json {
  try {
    return JSON.parse(text) as Json; // JSON.parse makes nothing else
  } catch (error) {
    throw new SchemaError(path, `it is not JSON: ${reasonOf(error)}`, error);
  }
}

/** By the schema that schemas have. */
function checkMeta(files: Iterable<SchemaFile>): void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  for (const { path, schema } of files) {
    if (ajv.validateSchema(schema) === true) continue;
    const problems = problemsOf(ajv.errors ?? []).map(
      (problem) => `${problem.path || 'the schema'} ${problem.message}`,
    );
    throw new SchemaError(path, problems.join('; '));
  }
}

function checkIds(files: Iterable<SchemaFile>): void {
  const paths = new Map<unknown, string>();
  for (const { path, event, schema } of files) {
    const { $id } = schema;
    if ($id === undefined) continue;
    const other = paths.get($id);
    if (other !== undefined) throw new SchemaError(path, `its $id is that of ${other} too`);
    const owner = builtInOwning($id);
    if (owner !== undefined && owner !== event) {
      throw new SchemaError(path, `its $id is that of the built-in schema of ${owner}: only ${owner}.json may take it`);
    }
    paths.set($id, path);
  }
}

function builtInOwning($id: Json): string | undefined {
  return [...[...events, ...relayEvents].map((event) => event.name), unknownEvent].find(
    (name) => schemaId(name) === $id,
  );
}
