import { isOption, isOptionList, isOptionMap, type OptionNode, type OptionTree } from '../../common/options/declare.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { isSecretParameter, wordsOf } from '../../kazoo/secrets.ts';
import type { Mistake, Path } from '../diagnostics.ts';
import type { Gathered } from '../read/gather.ts';
import { leavesIn, leavesOf, valueAt } from '../read/tree.ts';
import { mask, masked } from './mask.ts';

/** Secrets that stand in clear text in a file that every user of the machine may read. */
export function secretsInClearText({ value, originOf }: Gathered): Mistake[] {
  const secrets = leavesIn(value).flatMap(({ path, node }) => secretsAt(path, node, valueAt(value, path)));
  return secrets
    .filter((path) => originOf(path)?.isPublic)
    .map((path) => ({
      path,
      message:
        'is a secret in clear text, and every user of this machine may read the file: ' +
        `chmod o-r it, or take the secret from \${file:…} or \${credential:…}`,
    }));
}

function secretsAt(path: Path, node: OptionNode, value: unknown): Path[] {
  if (value === undefined || value === null) return [];
  if (isOption(node)) return node.sensitive && value !== node.default && isSecret(value) ? [path] : [];
  if (isOptionList(node)) return [value].flat().flatMap((item, index) => secretsAt([...path, index], node.items, item));
  if (!isOptionMap(node) || !isMapping(value)) return [];
  const each = node.each as OptionNode; // an option or a tree, and both are nodes
  return Object.entries(value).flatMap(([key, item]) =>
    isOption(each)
      ? isHarmless(key, item)
        ? []
        : secretsAt([...path, key], each, item)
      : leavesOf(each as OptionTree, [...path, key]).flatMap((leaf) =>
          secretsAt(leaf.path, leaf.node, valueAt(item, leaf.path.slice(path.length + 1))),
        ),
  );
}

/**
 * A header or a field whose name says nothing of a secret, and whose value is no token: too short, or an id, as KAZOO's
 * `X-Hook-ID` and `cluster_id`.
 */
function isHarmless(name: string, value: unknown): boolean {
  if (isSecretParameter(name)) return false;
  return wordsOf(name).at(-1) === 'id' || String(value).length < shortestToken;
}

/** Characters from which on a value may be a token. */
const shortestToken = 16;

/** RabbitMQ's own, which works from the broker's machine only, and keeps nobody out. */
const wellKnown = 'guest:guest@';

/** A URL is one only where something in it has to be masked. */
function isSecret(value: unknown): boolean {
  if (value === 'none') return false;
  const shown = mask(value);
  return shown.includes(masked) && !String(value).includes(wellKnown);
}
