import type { Entry } from '../journal/journal.ts';
import type { Json, JsonObject, Secret } from '../kazoo/notification.ts';
import { isRevealed } from '../kazoo/redact.ts';
import type { Delivery, Envelope, ShapedEnvelope } from '../sinks/sink.ts';
import { envelopeOf, headOf } from './envelope.ts';
import type { Reshape } from './reshape.ts';

/**
 * What a route's sink gets of an entry. Envelope and text are made when the sink first asks for them: most want only one.
 * @param reveal dotted paths of the secrets that this route may see
 * @param reshape what the route makes of the envelope, once its secrets are in it
 */
export function shape(entry: Entry, reveal: readonly string[], reshape?: Reshape): Delivery {
  const revealed = entry.secrets.filter((secret) => isRevealed(secret.path, reveal));
  if (reshape !== undefined) return madeDelivery(entry.id, () => reshape(revealing(entry, revealed)));
  return revealed.length === 0 ? plainDelivery(entry) : madeDelivery(entry.id, () => revealing(entry, revealed));
}

/** The body's JSON text goes through as the journal has it. */
function plainDelivery(entry: Entry): Delivery {
  let envelope: Envelope | undefined;
  let json: string | undefined;
  return {
    id: entry.id,
    get envelope() {
      envelope ??= envelopeOf(entry);
      return envelope;
    },
    get json() {
      json ??= `${JSON.stringify(headOf(entry)).slice(0, -1)},"data":${entry.json}}`;
      return json;
    },
  };
}

/** Its text is that of the envelope. */
function madeDelivery(id: string, make: () => ShapedEnvelope): Delivery {
  let envelope: ShapedEnvelope | undefined;
  let json: string | undefined;
  const made = () => {
    envelope ??= make();
    return envelope;
  };
  return {
    id,
    get envelope() {
      return made();
    },
    get json() {
      json ??= JSON.stringify(made());
      return json;
    },
  };
}

function revealing(entry: Entry, revealed: readonly Secret[]): Envelope {
  if (revealed.length === 0) return envelopeOf(entry);
  const data = structuredClone(entry.data);
  if (data !== null) for (const { path, value } of revealed) put(data, path, value);
  return { ...headOf(entry), data };
}

function put(data: JsonObject, path: readonly string[], value: Json): void {
  const key = path.at(-1);
  let holder: Json | undefined = data;
  for (const step of path.slice(0, -1)) holder = isHolder(holder) ? holder[step] : undefined;
  if (key !== undefined && isHolder(holder)) holder[key] = value;
}

/** An array takes its indices as keys just as an object does. */
function isHolder(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
