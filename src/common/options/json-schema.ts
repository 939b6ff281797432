/** A JSON Schema that is put together here. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What stands for something else, such as `${env:NAME}`, may stand for anything. */
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
