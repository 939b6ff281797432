import { isObject, type Json, type JsonObject } from '../common/json.ts';
import { dialect } from './generate.ts';

/** A schema within a file: the whole of it, or one that it is made of. */
export interface Node {
  readonly schema: JsonObject;
  /** Of its file. */
  readonly path: string;
  /** JSON Pointer to it, within the file. */
  readonly pointer: string;
  /** The base of its relative references. */
  readonly base: string;
}

/**
 * To which part of a value a schema applies one that it is made of: the value itself, the key of each member, the member
 * of one name, those whose names match, all others; and the like for arrays.
 */
export type Part = 'value' | 'key' | 'member' | 'matching' | 'otherMember' | 'item' | 'contained' | 'otherItem';

export interface Edge {
  readonly to: Node;
  readonly part: Part;
  /** Its place in the schema, such as `/anyOf/1` or `/$ref`. */
  readonly location: string;
  /** It is one of several that are tried, or one whose failing counts. */
  readonly isTried: boolean;
}

/** Schemas, by what they may be referred to as. */
export class SchemaGraph {
  readonly #resources = new Map<string, Node>();
  readonly #nodes = new Map<JsonObject, Node>();
  readonly #edges = new Map<Node, readonly Edge[]>();

  /** @param base by which it is known beside its `$id` */
  add(path: string, schema: JsonObject, base: string): Node {
    const root = this.#node(schema, path, '', this.#baseOf(schema, base));
    this.#resources.set(base, root);
    this.#index(root);
    return root;
  }

  /** The parts of a schema, including those that it refers to. @throws Error for a dangling reference */
  edges(node: Node): readonly Edge[] {
    const known = this.#edges.get(node) ?? [...this.#edgesOf(node)];
    this.#edges.set(node, known);
    return known;
  }

  /** Schemas that are there to be referred to. */
  definitions(node: Node): Node[] {
    return ['$defs', 'definitions'].flatMap((keyword) =>
      membersOf(node.schema[keyword]).map(([name, schema]) => this.#below(node, schema, keyword, name)),
    );
  }

  *#edgesOf(node: Node): Generator<Edge> {
    const { schema } = node;
    const edge = (part: Part, keyword: string, value: Json | undefined, ...key: string[]): Edge[] =>
      isObject(value)
        ? [
            {
              to: this.#below(node, value, keyword, ...key),
              part,
              location: pointer(keyword, ...key),
              isTried: tried.has(keyword),
            },
          ]
        : [];
    for (const [keyword, part] of single) yield* edge(part, keyword, schema[keyword]);
    for (const [keyword, part] of several) {
      for (const [key, value] of membersOf(schema[keyword])) yield* edge(part, keyword, value, key);
    }
    if (typeof schema.$ref === 'string') {
      yield { to: this.#resolve(node, schema.$ref), part: 'value', location: '/$ref', isTried: false };
    }
  }

  #below(node: Node, schema: JsonObject, ...keys: string[]): Node {
    return this.#node(schema, node.path, node.pointer + pointer(...keys), this.#baseOf(schema, node.base));
  }

  #node(schema: JsonObject, path: string, pointer: string, base: string): Node {
    const known = this.#nodes.get(schema) ?? { schema, path, pointer, base };
    this.#nodes.set(schema, known);
    return known;
  }

  #baseOf({ $id }: JsonObject, base: string): string {
    return typeof $id === 'string' && URL.canParse($id, base) ? new URL($id, base).href.replace(/#$/, '') : base;
  }

  /** Records everything in a schema that has a name. */
  #index(node: Node): void {
    const { schema, base } = node;
    if (schema.$id !== undefined) this.#resources.set(base, node);
    for (const name of [schema.$anchor, schema.$dynamicAnchor]) {
      if (typeof name === 'string') this.#resources.set(`${base}#${name}`, node);
    }
    for (const [keyword, value] of Object.entries(schema)) {
      if (data.has(keyword)) continue;
      if (isObject(value)) this.#index(this.#below(node, value, keyword));
      else if (Array.isArray(value)) {
        for (const [key, item] of membersOf(value)) this.#index(this.#below(node, item, keyword, key));
      }
    }
  }

  #resolve(node: Node, reference: string): Node {
    const url = URL.canParse(reference, node.base) ? new URL(reference, node.base).href : reference;
    const [resource = '', fragment = ''] = url.split('#');
    const found = fragment.startsWith('/')
      ? this.#at(this.#resources.get(resource), fragment.slice(1).split('/').map(unescapedToken))
      : this.#resources.get(fragment === '' ? resource : `${resource}#${fragment}`);
    if (found === undefined) throw new Error(`can't resolve reference ${reference}`);
    return found;
  }

  /** The node that the keys lead to, from one to the next, so that each has the base that it has on its own. */
  #at(node: Node | undefined, keys: readonly string[]): Node | undefined {
    let found = node;
    let pending: string[] = [];
    let value: Json | undefined = node?.schema;
    for (const key of keys) {
      if (found === undefined || typeof value !== 'object' || value === null) return undefined;
      value = Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined; // an array takes its indices as keys
      pending.push(key);
      if (!isObject(value)) continue;
      found = this.#below(found, value, ...pending);
      pending = [];
    }
    // A schema that is true or false is made of nothing.
    return pending.length === 0 ? found : typeof value === 'boolean' ? trivial : undefined;
  }
}

/** Keywords whose value is a schema, but for those that are tried. */
const single: readonly (readonly [string, Part])[] = [
  ['not', 'value'],
  ['if', 'value'],
  ['then', 'value'],
  ['else', 'value'],
  ['propertyNames', 'key'],
  ['additionalProperties', 'otherMember'],
  ['unevaluatedProperties', 'otherMember'],
  ['contains', 'contained'],
  ['items', 'otherItem'],
  ['unevaluatedItems', 'otherItem'],
];

/** Keywords whose value is a list of schemas, or a mapping to schemas. */
const several: readonly (readonly [string, Part])[] = [
  ['allOf', 'value'],
  ['anyOf', 'value'],
  ['oneOf', 'value'],
  ['dependentSchemas', 'value'],
  ['dependencies', 'value'],
  ['properties', 'member'],
  ['patternProperties', 'matching'],
  ['prefixItems', 'item'],
];

const tried = new Set(['anyOf', 'oneOf', 'not', 'if']);

/** Keywords whose value is no schema, whatever it looks like. */
const data = new Set(['const', 'enum', 'default', 'examples']);

const trivial: Node = { schema: {}, path: '', pointer: '', base: dialect };

function membersOf(value: Json | undefined): [string, JsonObject][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).filter((entry): entry is [string, JsonObject] => isObject(entry[1]));
}

function pointer(...keys: string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function unescapedToken(token: string): string {
  return decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
}
