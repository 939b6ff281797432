import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

let loaded: typeof import('@marcbachmann/cel-js') | undefined;

/**
 * What conditions are made with. Loaded with the first condition, because few configurations have one: it is a quarter
 * of all the code that a daemon would load at its start.
 */
export function cel(): typeof import('@marcbachmann/cel-js') {
  loaded ??= require('@marcbachmann/cel-js') as typeof import('@marcbachmann/cel-js');
  return loaded;
}
