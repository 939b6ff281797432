import { holderAt, type Json, type JsonObject } from '../common/json.ts';
import { isRevealed } from '../kazoo/redact.ts';
import type { Entry } from '../notification/entry.ts';
import { type Delivery, envelopeMembers, envelopeOf, type ShapedEnvelope } from '../notification/envelope.ts';
import type { Header } from '../notification/header.ts';
import type { Secret } from '../notification/notification.ts';
import type { Reshape } from './reshape.ts';

/**
 * What a route's sink gets of an entry. The envelope is made when the sink first asks for it; its text each time, because
 * a sink asks once, and would hold it for as long as the delivery takes.
 * @param reveal dotted paths of the secrets that this route may see
 * @param reshape what the route makes of the envelope, once its secrets are in it
 * @param mayRepeat as of `Delivery`
 */
export function shape(entry: Entry, reveal: readonly string[], reshape?: Reshape, mayRepeat = false): Delivery {
  const revealed = entry.secrets.filter((secret) => isRevealed(secret.path, reveal));
  return new ShapedDelivery(entry, revealed.length === 0 ? none : revealed, reshape, mayRepeat);
}

const none: readonly Secret[] = [];

/** A class because there are tens of thousands a second, which share its getters. */
class ShapedDelivery implements Delivery {
  readonly secrets: readonly Secret[];
  readonly mayRepeat: boolean;
  readonly #entry: Entry;
  readonly #reshape: Reshape | undefined;
  #envelope: ShapedEnvelope | undefined;

  constructor(entry: Entry, secrets: readonly Secret[], reshape: Reshape | undefined, mayRepeat: boolean) {
    this.secrets = secrets;
    this.mayRepeat = mayRepeat;
    this.#entry = entry;
    this.#reshape = reshape;
  }

  get header(): Header {
    return this.#entry.header;
  }

  get body(): string {
    return this.#entry.json;
  }

  get envelope(): ShapedEnvelope {
    if (this.#envelope !== undefined) return this.#envelope;
    const envelope = envelopeOf(this.#entry, withRevealed(this.#entry.data, this.secrets));
    this.#envelope = this.#reshape === undefined ? envelope : this.#reshape(envelope);
    return this.#envelope;
  }

  get json(): string {
    return `{${this.members}}`;
  }

  get members(): string {
    const isPlain = this.#reshape === undefined && this.secrets.length === 0;
    return isPlain ? envelopeMembers(this.#entry) : JSON.stringify(this.envelope).slice(1, -1);
  }
}

function withRevealed(data: JsonObject | null, revealed: readonly Secret[]): JsonObject | null {
  if (data === null || revealed.length === 0) return data;
  const copy = structuredClone(data);
  for (const { path, value } of revealed) setAt(copy, path, value);
  return copy;
}

function setAt(data: JsonObject, path: readonly string[], value: Json): void {
  const key = path.at(-1);
  const holder = holderAt(data, path);
  if (key !== undefined && holder !== undefined) holder[key] = value;
}
