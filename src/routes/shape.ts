import { holderAt, type Json, type JsonObject } from '../common/json.ts';
import type { Secret } from '../kazoo/notification.ts';
import { isRevealed } from '../kazoo/redact.ts';
import type { Entry } from '../notification/entry.ts';
import type { Delivery, Envelope, ShapedEnvelope } from '../notification/envelope.ts';
import { envelopeHeader, envelopeJson, envelopeOf } from './envelope.ts';
import type { Reshape } from './reshape.ts';

/**
 * What a route's sink gets of an entry. Envelope and text are made when the sink first asks for them: most want only
 * one.
 * @param reveal dotted paths of the secrets that this route may see
 * @param reshape what the route makes of the envelope, once its secrets are in it
 * @param mayRepeat as of `Delivery`
 */
export function shape(entry: Entry, reveal: readonly string[], reshape?: Reshape, mayRepeat = false): Delivery {
  const revealed = entry.secrets.filter((secret) => isRevealed(secret.path, reveal));
  if (reshape === undefined && revealed.length === 0) return new PlainDelivery(entry, mayRepeat);
  return new ShapedDelivery(entry, revealed, mayRepeat, () => {
    const envelope = withRevealed(entry, revealed);
    return reshape === undefined ? envelope : reshape(envelope);
  });
}

/** A class because there are tens of thousands a second, which share its getters. */
class PlainDelivery implements Delivery {
  readonly id: string;
  readonly event: string | null;
  readonly mayRepeat: boolean;
  readonly #entry: Entry;
  #envelope: Envelope | undefined;
  #json: string | undefined;

  constructor(entry: Entry, mayRepeat: boolean) {
    this.id = entry.id;
    this.event = entry.event;
    this.mayRepeat = mayRepeat;
    this.#entry = entry;
  }

  get body(): string {
    return this.#entry.json;
  }

  get secrets(): readonly Secret[] {
    return none;
  }

  get envelope(): Envelope {
    this.#envelope ??= envelopeOf(this.#entry);
    return this.#envelope;
  }

  get json(): string {
    this.#json ??= envelopeJson(this.#entry);
    return this.#json;
  }
}

const none: readonly Secret[] = [];

/** One whose text is that of an envelope which has to be made. */
class ShapedDelivery implements Delivery {
  readonly id: string;
  readonly event: string | null;
  readonly body: string;
  readonly secrets: readonly Secret[];
  readonly mayRepeat: boolean;
  readonly #make: () => ShapedEnvelope;
  #envelope: ShapedEnvelope | undefined;
  #json: string | undefined;

  constructor({ id, event, json }: Entry, secrets: readonly Secret[], mayRepeat: boolean, make: () => ShapedEnvelope) {
    this.id = id;
    this.event = event;
    this.body = json;
    this.secrets = secrets;
    this.mayRepeat = mayRepeat;
    this.#make = make;
  }

  get envelope(): ShapedEnvelope {
    this.#envelope ??= this.#make();
    return this.#envelope;
  }

  get json(): string {
    this.#json ??= JSON.stringify(this.envelope);
    return this.#json;
  }
}

function withRevealed(entry: Entry, revealed: readonly Secret[]): Envelope {
  if (revealed.length === 0) return envelopeOf(entry);
  const data = structuredClone(entry.data);
  if (data !== null) for (const { path, value } of revealed) setAt(data, path, value);
  return { ...envelopeHeader(entry), data };
}

function setAt(data: JsonObject, path: readonly string[], value: Json): void {
  const key = path.at(-1);
  const holder = holderAt(data, path);
  if (key !== undefined && holder !== undefined) holder[key] = value;
}
