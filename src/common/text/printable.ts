/**
 * The text with every character that could steer a terminal written as a JSON escape. What was JSON before is the same
 * JSON after.
 */
export function printable(text: string): string {
  return text.replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Control characters, and the marks that end a line or turn the direction of writing. */
const steering = /[\p{Cc}\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
