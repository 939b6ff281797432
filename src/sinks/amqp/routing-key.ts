import type { ShapedEnvelope } from '../../notification/envelope.ts';

/** The values that a placeholder may name. */
export const names = ['account_id', 'event', 'category', 'zone', 'id'] as const;

export type Name = (typeof names)[number];

/** The names of all placeholders of a template, known or not. */
export function placeholdersIn(template: string): string[] {
  return [...template.matchAll(placeholder)].map(([, name = '']) => name);
}

/**
 * The routing key of a notification. A value is one word of it: what would end a word, or mean any, becomes `_`; so does
 * a value that there is none of.
 */
export function routingKeyOf(template: string, envelope: ShapedEnvelope): string {
  return template.replace(placeholder, (_, name: Name) => {
    const value = envelope[name] ?? '';
    return value === '' ? '_' : value.toWellFormed().replace(/[\s.*#\p{C}]/gu, '_');
  });
}

const placeholder = /\{(\w+)\}/g;
