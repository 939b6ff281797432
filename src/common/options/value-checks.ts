export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A URL with an @ behind the first thing that ends a user name, password or host: a password in it has an @, /, ? or #
 * that isn't escaped, and what is left of it would be taken for the host.
 */
export const unescapedAt = /^\w+:\/\/[^@/?#]*[@/?#].*@/s;

/** The message about such a URL, without any part of it. */
export const unescapedAtMessage =
  'has an @ behind its host: in a user name or password, write @ as %40, / as %2F, : as %3A, # as %23, ? as %3F';

/** The message about a URL with `$NAME` in it, as in a shell; undefined if there is none. */
export function unreplacedVariable(url: string): string | undefined {
  const [, name] = /(?<=[/:@=?&])\$\(?([A-Z][A-Z0-9_]+)\b/.exec(url) ?? [];
  return name && `has $${name}, which nothing replaces: write \${env:${name}}, or %24 for a $ itself`;
}

/** A path in the home of somebody, as a shell has it: to the system, `~` is a folder of that name. */
export const leadingTilde = /^~([^/]*\/|$)/;

/** The message about such a path. */
export const leadingTildeMessage = "can't begin with ~, which only a shell replaces: write the whole path";

/** @throws Error with the requirement */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** A JSON Schema that is put together here. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A reference, such as `${env:NAME}`, may have any value. */
export const reference = { type: 'string', pattern: '\\$\\{' };

export function orReference(schema: object): JsonSchema {
  return { anyOf: [schema, reference] };
}

/** Where all of these properties are there, and such, the rest holds. */
export function when(properties: Readonly<Record<string, object>>, then: object): JsonSchema {
  return whenSchema({ properties, required: Object.keys(properties) }, then);
}

export function whenSchema(condition: object, then: object, otherwise?: object): JsonSchema {
  return { if: condition, then, ...(otherwise !== undefined && { else: otherwise }) };
}

/** A pattern in small and capital letters: those of JSON Schema know no "ignore case". */
export function anyCase(pattern: string): string {
  return pattern.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}
