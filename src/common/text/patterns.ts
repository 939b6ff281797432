import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { reasonOf } from '../errors.ts';

/**
 * An event pattern such as `voicemail_*` as a regular expression: `*` stands for any characters, all others for
 * themselves.
 */
export function globToRegExp(pattern: string): RegExp {
  // Runs of stars are one: side by side they would make the engine try every way to share the text between them.
  const parts = pattern.split(/\*+/).map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

const require = createRequire(import.meta.url);

/**
 * Compiles a regular expression of RE2, whose matching takes time in proportion to the text, whatever the pattern is.
 * The library is loaded with the first one, because few configurations have any.
 * @throws Error that says what RE2 doesn't know of it
 */
export function compileRe2(pattern: string): RE2JS {
  try {
    return library().compile(pattern);
  } catch (error) {
    throw new Error(`the pattern is not a regular expression of RE2: ${reasonOf(error)}`, { cause: error });
  }
}

/** One that is written as JSON Schema wants it, in the syntax of JavaScript. @throws as `compileRe2` does */
export function compileEcmaAsRe2(pattern: string): RE2JS {
  // RE2 may interpret differently what JavaScript refuses, such as a meaningless escape.
  new RegExp(pattern, 'u');
  if (backReference.test(pattern)) throw new Error('the pattern refers back to a group, which RE2 can not do');
  return compileRe2(library().translateRegExp(pattern));
}

const backReference = /(?:^|[^\\])(?:\\\\)*\\[k1-9]/;

function library(): typeof RE2JS {
  return (require('re2js') as typeof import('re2js')).RE2JS;
}
