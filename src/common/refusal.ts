/** What a database refuses, in our words: its own message, in whatever language, may quote values. */
export interface Refusal {
  readonly code: number | string;
  /** What that code means, where we know it, or the database's name for it. */
  readonly meaning: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
}

/** Puts it in the place of all that an error of a statement with values says, and of what libraries hang on it. */
export function withoutValues(error: Error, refusal: Refusal): Error {
  const { code, meaning = 'refused', ...names } = refusal;
  const named = Object.entries(names).flatMap(([what, name]) => (name ? [`, ${what} "${name}"`] : []));
  error.message = `${meaning} (${code}${named.join('')})`;
  error.stack = `${error.name}: ${error.message}`;
  for (const key of quoting) Reflect.deleteProperty(error, key);
  return error;
}

/** Of pg and of mysql2. */
const quoting = ['detail', 'hint', 'where', 'internalQuery', 'sql', 'sqlMessage'];
