import { buildah } from './buildah.ts';
import { docker } from './docker.ts';
import type { EngineKind } from './engine.ts';
import { podman } from './podman.ts';

const kinds: readonly EngineKind[] = [docker, podman, buildah];

/** The first that is on this machine; RELAY_TEST_ENGINE names another one, or `none`. */
export function chosenEngine(): EngineKind | undefined {
  const { RELAY_TEST_ENGINE: wanted } = process.env;
  return kinds.find((kind) => (wanted === undefined || kind.name === wanted) && kind.isThere());
}
