import type { ShapedEnvelope } from '../../notification/envelope.ts';
import type { PlaceholderName } from '../placeholders.ts';

/**
 * The routing key of a notification. A value is one word of it: what would end a word, or mean any, becomes `_`; so does
 * a value that there is none of.
 */
export function routingKeyOf(template: string, envelope: ShapedEnvelope): string {
  // The options' rules let no other name through.
  return template.replace(/\{(\w+)\}/g, (_, name: PlaceholderName) => {
    const value = envelope[name] ?? '';
    return value === '' ? '_' : value.toWellFormed().replace(/[\s.*#\p{C}]/gu, '_');
  });
}
