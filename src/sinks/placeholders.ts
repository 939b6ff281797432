/** Keys of the envelope that a URL, a routing key or a link may name in braces. */
export const placeholderNames = ['account_id', 'event', 'category', 'zone', 'id'] as const;

export type PlaceholderName = (typeof placeholderNames)[number];

/** The names in a text's braces, known or not. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
}

export function isPlaceholder(name: string): name is PlaceholderName {
  return placeholderNames.some((known) => known === name);
}

/** The message about a name that isn't one. */
export function unknownPlaceholder(name: string): string {
  return `has a placeholder {${name}}; there are ${placeholderNames.map((known) => `{${known}}`).join(', ')}`;
}
