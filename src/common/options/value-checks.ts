export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A URL with an @ behind the first thing that ends a user name, password or host: a password in it has an @, /, ? or #
 * that isn't escaped, and what is left of it would be taken for the host.
 */
export const unescapedAt = /^\w+:\/\/[^@/?#]*[@/?#].*@/s;

/** What is to be said of such a URL; it shows nothing of it. */
export const unescapedAtMessage =
  'has an @ behind its host: in a user name or password, write @ as %40, / as %2F, : as %3A, # as %23, ? as %3F';

/** A path in the home of somebody, as a shell has it: to the system, `~` is a folder of that name. */
export const leadingTilde = /^~([^/]*\/|$)/;

/** What is to be said of such a path. */
export const leadingTildeMessage = "can't begin with ~, which only a shell replaces: write the whole path";

/** @throws Error with what must hold */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
