import { hintFor } from '../../common/text/did-you-mean.ts';

/** @throws Error that suggests another name, when the configuration has no such route */
export function routeNamed<R extends { readonly name: string }>(name: string, routes: readonly R[]): R {
  const route = routes.find((candidate) => candidate.name === name);
  if (route !== undefined) return route;
  const names = routes.map((candidate) => candidate.name);
  const hint = hintFor(name, names, `there are ${names.join(', ')}`);
  throw new Error(`the configuration has no route ${JSON.stringify(name)}${hint}`);
}
