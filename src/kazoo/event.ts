import type { JsonObject } from './notification.ts';

/**
 * JSON type of a field. `gregorian`: whole seconds since year 0 (unix = value - 62167219200); `numeric string`: digits
 * in a string; `T[]`: array of T; `A|B`: either; `address`: a string, an object, or a list of them; `any`: KAZOO
 * doesn't say.
 */
export type FieldType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'object'
  | 'gregorian'
  | 'numeric string'
  | 'string[]'
  | 'object[]'
  | 'string|string[]'
  | 'string|integer'
  | 'string|number'
  | 'number|string'
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
  readonly routingKey: string;
  /** Its own fields; those common to all events are in `commonFields`. */
  readonly fields: readonly EventField[];
  /** A whole, realistic body with the keys KAZOO uses on the wire. */
  readonly example: JsonObject;
}
