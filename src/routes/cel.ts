import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

interface Libraries {
  readonly cel: typeof import('@marcbachmann/cel-js');
  readonly re2: typeof import('re2js');
}

let loaded: Libraries | undefined;

/**
 * What conditions are made with. Loaded with the first condition, because few configurations have one: it is a quarter
 * of all the code that a daemon would load at its start.
 */
export function libraries(): Libraries {
  loaded ??= { cel: require('@marcbachmann/cel-js'), re2: require('re2js') };
  return loaded;
}
