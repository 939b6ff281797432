import type { JsonObject } from '../common/json.ts';

/**
 * JSON type of a field. `gregorian`: whole seconds since year 0 (unix = value - 62167219200); `numeric string`: digits
 * in a string; `object`: an object, or `[]` in its place, as KAZOO's encoder may write an empty one; `T[]`: array of T;
 * `A|B`: either; `address`: a string, an object, or a list of them; `any`: KAZOO doesn't say.
 */
export type FieldType =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'object'
  | 'gregorian'
  | 'numeric string'
  | 'string[]'
  | 'object[]'
  | 'object[]|string[]'
  | 'string|string[]'
  | 'string|object'
  | 'string|integer'
  | 'string|number'
  | 'number|string'
  | 'boolean|string'
  | 'address'
  | 'any';

export interface EventField {
  /** Normalised: lower case, `_` for `-`. */
  readonly name: string;
  /** As KAZOO publishes it. */
  readonly wire: string;
  readonly type: FieldType;
  /** KAZOO's publisher refuses to publish without it, in every version from 4.2 on. */
  readonly required: boolean;
  /** A secret or payment data in clear text: replaced before the journal. */
  readonly secret: boolean;
  readonly description: string;
}

export interface EventDefinition {
  readonly name: string;
  /** Other names that KAZOO or its documentation use for it. */
  readonly aliases: readonly string[];
  /** For people: "New voicemail". */
  readonly title: string;
  /** One line: what happened when this is published. */
  readonly summary: string;
  readonly category: string;
  /** Null for what KAZOO 5 alone publishes: its core isn't public. */
  readonly routingKey: string | null;
  /** True where an account or a user can't have it twice: an equal body is the same occurrence, published again. */
  readonly once?: true;
  /** True where the times in its body are those of something earlier: it happens when it is published. */
  readonly happensAtPublish?: true;
  /** Its own fields; those common to all events are in `commonFields`. */
  readonly fields: readonly EventField[];
  /** A whole, realistic body with the keys KAZOO uses on the wire. */
  readonly example: JsonObject;
}
