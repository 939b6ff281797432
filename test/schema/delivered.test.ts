import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { noLimits } from '../../src/kazoo/body.ts';
import { commonFields, events } from '../../src/kazoo/catalogue.ts';
import { decode } from '../../src/kazoo/decode.ts';
import type { EventDefinition, FieldType } from '../../src/kazoo/event.ts';
import { redact } from '../../src/kazoo/redact.ts';
import { validateNotification } from '../../src/kazoo/validate.ts';
import { Entry } from '../../src/notification/entry.ts';
import { shape } from '../../src/routes/shape.ts';
import { schemaOf } from '../../src/schema/generate.ts';
import { createValidator } from '../../src/schema/validator.ts';

const validator = createValidator([]);

const times: readonly FieldType[] = ['integer', 'gregorian'];
const objects: readonly FieldType[] = ['object', 'string|object', 'address'];

/** JSON that a publisher may put in a field's place. */
const changes: readonly [what: string, text: string, types: readonly FieldType[] | 'all'][] = [
  ['null', 'null', 'all'],
  ['an integer beyond 2^53', '9007199254740993', times],
  ['one below -2^53', '-90071992547409930', ['integer']],
  ['an integer with a fraction of zero', '360.0', times],
  ['an empty list', '[]', objects],
  ['a list that is empty for an empty object', '[[],null]', ['object[]', 'object[]|string[]']],
  ['the text of KAZOO 4.2', '"25.00"', ['number|string', 'boolean|string']],
  ['a number too large for a double', '1e999', ['number|string']],
  ['something else', '[[[7]]]', 'all'],
];

describe.each(events)('what a sink gets of $name', (event) => {
  // Another ajv than the daemon's, of the schema as others get it.
  const fits = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schemaOf(event));

  test('fits the schema as the example shows it, its secrets replaced', () => {
    const { valid, data } = delivered(JSON.stringify(event.example));
    expect({ valid, fits: fits(data) }).toEqual({ valid: true, fits: true });
  });

  test.each(changes)('fits the schema where it is called valid, and only there: with %s', (what, text, types) => {
    const needed = [...event.fields, ...commonFields].filter((field) => field.required).map((field) => field.wire);
    for (const { wire, type, secret } of event.fields) {
      if (types !== 'all' && !types.includes(type)) continue;
      const { valid, data } = delivered(bodyWith(event, wire, text));
      // Of a secret nobody can see any more that it was wrong.
      expect({ wire, fits: fits(data) }).toEqual({ wire, fits: valid || (secret && what === 'something else') });
      const isMeant = what === 'null' ? !needed.includes(wire) : what !== 'something else';
      expect({ wire, valid }).toEqual({ wire, valid: isMeant });
    }
  });
});

function bodyWith({ example }: EventDefinition, wire: string, text: string): string {
  return JSON.stringify({ ...example, [wire]: '@' }).replace('"@"', text);
}

function delivered(body: string) {
  const decoded = decode(
    {
      body: Buffer.from(body),
      routingKey: 'notifications.test.test',
      contentEncoding: undefined,
      timestamp: undefined,
      zone: 'west',
      receivedAt: Date.UTC(2026, 10, 24, 10),
    },
    noLimits,
  );
  validateNotification(decoded, validator);
  const notification = redact(decoded, () => []);
  const { json } = shape(new Entry(1, null, notification), []);
  return JSON.parse(json) as { readonly valid: boolean; readonly data: object }; // an envelope
}
