import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/common/json.ts';
import { commonFields, eventNamed, events } from '../../src/kazoo/catalogue.ts';
import type { EventDefinition, FieldType } from '../../src/kazoo/event.ts';
import { normalise } from '../../src/kazoo/normalise.ts';
import { redacted } from '../../src/notification/notification.ts';
import { createValidator } from '../../src/schema/validator.ts';
import { runs } from '../support/runs.ts';

const { validate } = createValidator([]);

describe.each(events)('a $name', (event) => {
  const example = normalise(event.example).data;
  const requiredNames = [...commonFields, ...event.fields].filter((field) => field.required).map((field) => field.name);

  test('is valid as in its example', () => {
    expect(validate(event.name, example)).toEqual([]);
  });

  test('is still valid when its secrets have been replaced', () => {
    const secrets = event.fields.filter((field) => field.secret).map((field) => [field.name, redacted]);
    expect(validate(event.name, { ...example, ...Object.fromEntries(secrets) })).toEqual([]);
  });

  test.each([...new Set(requiredNames)])('has exactly one problem without %s', (name) => {
    const { [name]: _removed, ...rest } = example;
    expect(validate(event.name, rest)).toEqual([{ path: `/${name}`, keyword: 'required', message: 'is required' }]);
  });

  test.each(event.fields.filter((field) => field.type !== 'any'))(
    'has exactly one problem with a wrong $name',
    ({ name, type }) => {
      for (const value of wrong[type]) {
        const problems = validate(event.name, { ...example, [name]: value });
        expect(problems).toHaveLength(1);
        expect(problems[0]?.path).toMatch(new RegExp(`^/${name}(/0)?$`));
      }
    },
  );

  test.each(event.fields)('is valid with all that KAZOO may send as $name', ({ name, type }) => {
    for (const value of name === 'account_id' ? ['a1'] : right[type]) {
      expect({ value, problems: validate(event.name, { ...example, [name]: value }) }).toEqual({ value, problems: [] });
    }
  });

  test('may have no field but the required ones', () => {
    const least = Object.fromEntries(Object.entries(example).filter(([name]) => requiredNames.includes(name)));
    expect(validate(event.name, least)).toEqual([]);
  });
});

/** An integer beyond 2^53, as it comes out of decoding. */
const beyond = '9007199254740993';

/** Values that some version of KAZOO sends in a field of that type. */
const right: Readonly<Record<FieldType, readonly Json[]>> = {
  string: ['', 'text'],
  integer: [0, -12500, 360, beyond, `-${beyond}`],
  boolean: [true, false],
  object: [{}, { a: [{ b: 1 }] }, []],
  gregorian: [0, 63930000000, beyond],
  'numeric string': ['0', '63930000000', beyond],
  'string[]': [[], ['text'], ['text', null]],
  'object[]': [[], [{}], [{ a: 1 }, []], [null]],
  'object[]|string[]': [[], [{ a: 1 }, []], ['text', null]],
  'string|string[]': ['text', [], ['text', null]],
  'string|object': ['text', { result: 'success', text: 'Hi' }, {}, []],
  'string|integer': ['5060', 5060],
  'string|number': ['37.7897', -122.3972],
  'number|string': [25, 25.5, '25.00'],
  'boolean|string': [true, false, 'true', 'false'],
  address: ['a@example.com', ['a@example.com', null], { a: 1 }, [{ a: 1 }, []], []],
  any: [],
};

/** Values that KAZOO can't send in a field of that type. */
const wrong: Readonly<Record<FieldType, readonly Json[]>> = {
  string: [1, true, [], {}],
  integer: ['1', `${beyond}.5`, 1.5, [], {}],
  boolean: ['true', 1, [], {}],
  object: ['text', 1, [1], [{}]],
  gregorian: ['63930000000', `-${beyond}`, 'yesterday', 1.5, -1, true, [], {}],
  'numeric string': [63930000000, 'text', '', '-1', [], {}],
  'string[]': ['text', 1, [1], [{}], {}],
  'object[]': ['text', 1, ['text'], [[1]], {}],
  'object[]|string[]': ['text', 1, [1], [[1]], {}],
  'string|string[]': [1, true, [1], {}],
  'string|object': [1, true, ['text'], [{}]],
  'string|integer': [1.5, true, [], {}],
  'string|number': [true, [], {}],
  'number|string': [true, [], {}],
  'boolean|string': [1, [], {}],
  address: [1, true, [1]],
  any: [],
};

describe('what every event may hold', () => {
  const example = exampleOf('low_balance');
  // What is narrowed to less than its type is looked at below.
  const narrowed = ['event_name', 'event_category', 'account_id'];

  test.each(commonFields.filter(({ name }) => !narrowed.includes(name)))(
    'has all forms that KAZOO sends as $name, and no others',
    ({ name, type }) => {
      const countOf = (value: Json) => validate('low_balance', { ...example, [name]: value }).length;
      expect(right[type].filter((value) => countOf(value) !== 0)).toEqual([]);
      expect(wrong[type].filter((value) => countOf(value) !== 1)).toEqual([]);
    },
  );
});

describe('fields that no schema has', () => {
  const { unknownFields } = createValidator([]);

  test.each(events)('are in no example of $name', ({ name, example }) => {
    expect(unknownFields(name, normalise(example).data)).toEqual([]);
  });

  test('are told by their place at the top of the body, twenty at most', () => {
    const example = exampleOf('missed_call');
    expect(unknownFields('missed_call', { ...example, mood: 1, 'a/b~': { c: 1 } })).toEqual(['/mood', '/a~1b~0']);
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`field_${index}`, index]));
    expect(unknownFields('missed_call', { ...example, ...many })).toHaveLength(20);
    const [long = ''] = unknownFields('missed_call', { [`${'k'.repeat(127)}😀`]: 1 }) ?? [];
    expect(long.length).toBeLessThanOrEqual(256);
    expect(long.isWellFormed()).toBe(true);
  });

  test('are not told of an event that no schema is for', () => {
    for (const event of ['new_moon', '__proto__', null]) expect(unknownFields(event, { mood: 1 })).toBeNull();
  });
});

describe('what an operator accepts', () => {
  const example: JsonObject = { ...exampleOf('missed_call'), mood: 1, cc: [7], timestamp: 'now' };
  const found = [{ path: '/notify/a', keyword: 'duplicateKey', message: 'stands there twice' }];

  test.each<[object, string[]]>([
    [{}, ['/notify/a', '/timestamp', '/cc/0', '/mood']],
    [{ missed_call: ['/cc'] }, ['/notify/a', '/timestamp', '/mood']],
    [{ missed_call: ['/cc/0', '/timestamp'] }, ['/notify/a', '/mood']],
    [{ missed_call: ['/cc/*', '/notify'] }, ['/timestamp', '/mood']],
    [{ missed_call: ['/c', '/cc/0/a', '/moo', '/mood/a'] }, ['/notify/a', '/timestamp', '/cc/0', '/mood']],
    [{ 'm*': ['/mood'], '*': ['/timestamp'] }, ['/notify/a', '/cc/0']],
    [{ register: ['/mood', '/timestamp'] }, ['/notify/a', '/timestamp', '/cc/0', '/mood']],
    [{ missed_call: ['/*'] }, []],
  ])('by %j leaves %j', (accepted, left) => {
    const validator = createValidator([], { ...accepted });
    const problems = validator.validate('missed_call', example, found).map(({ path }) => path);
    expect([...problems, ...(validator.unknownFields('missed_call', example) ?? [])]).toEqual(left);
  });

  test('leaves no room for others: of more than twenty problems, those that count are told', () => {
    const cc = Array.from({ length: 30 }, () => 7);
    const data = { ...exampleOf('missed_call'), cc, bcc: [7] };
    const { validate } = createValidator([], { missed_call: ['/cc'] });
    expect(validate('missed_call', data)).toMatchObject([{ path: '/bcc/0' }]);
  });

  test('goes by the catalogue’s name, whatever the configuration calls the event', () => {
    const { validate } = createValidator([], { top_up: ['/event_name'] });
    expect(validate('topup', { ...exampleOf('topup'), event_name: 'top' })).toEqual([]);
  });
});

describe('validating', () => {
  const example = exampleOf('missed_call');

  test.each([
    ['an empty account', { account_id: '' }, '/account_id', 'must NOT have fewer than 1 characters'],
    ['another category', { event_category: 'call_event' }, '/event_category', 'must be "notification"'],
    ['a category that is no text, in one problem', { event_category: 1 }, '/event_category', 'must be "notification"'],
    ['the name of another event', { event_name: 'register' }, '/event_name', 'must be "missed_call"'],
    ['a string where a time belongs', { timestamp: 'now' }, '/timestamp', 'must be integer'],
    ['a list where an object belongs', { notify: [1] }, '/notify', 'must NOT have more than 0 items'],
    ['a number in an address', { cc: [7] }, '/cc/0', 'must be string or object or array or null'],
    ['a preview mark that is no boolean', { preview: 'yes' }, '/preview', 'must be boolean'],
  ])('finds %s', (_what, part, path, message) => {
    expect(validate('missed_call', { ...example, ...part })).toMatchObject([{ path, message }]);
  });

  test('names what an event may be called instead', () => {
    const data = { ...exampleOf('topup'), event_name: 'top' };
    expect(validate('topup', data)).toMatchObject([
      { path: '/event_name', message: 'must be one of "topup", "top_up"' },
    ]);
    expect(validate('topup', { ...data, event_name: 'top_up' })).toEqual([]);
  });

  test('says of a secret what may stand there, in one problem', () => {
    const data = { ...exampleOf('webhook'), hook: 'https://hooks.example.com' };
    expect(validate('webhook', data)).toEqual([
      { path: '/hook', keyword: 'anyOf', message: 'must be object or array or must be "[redacted]"' },
    ]);
  });

  test.each([
    ['an empty Server-ID', { server_id: '' }],
    [
      'address fields that are text, lists or objects',
      { to: 'a@example.com', cc: [{ name: 'A' }, 'b@example.com'], from: { name: 'A' } },
    ],
    ['what KAZOO leaves undefined in a list', { bcc: ['a@example.com', null, ''] }],
    ['swapped application name and version', { app_name: '4.3', app_version: 'crossbar' }],
    ['keys that other versions send', { brand_new: [1, { two: 3 }] }],
  ])('accepts %s', (_what, part) => {
    expect(validate('low_balance', { ...exampleOf('low_balance'), ...part })).toEqual([]);
  });

  test('asks of an unknown event only what all events have', () => {
    const { current_balance: _removed, ...rest } = exampleOf('low_balance');
    const data = { ...rest, event_name: 'brand_new_event' };
    for (const name of ['brand_new_event', '__proto__', 'constructor', 'toString']) {
      expect(validate(name, { ...data, event_name: name })).toEqual([]);
      expect(validate(name, {})).toHaveLength(6);
    }
    expect(validate(null, { ...data, event_name: '' })).toMatchObject([{ path: '/event_name' }]);
  });

  test('lists 20 problems at most', () => {
    const errors = Array.from({ length: 300 }, () => 1);
    const problems = validate('outbound_smtp_fax_error', { ...exampleOf('outbound_smtp_fax_error'), errors });
    expect(problems).toHaveLength(20);
    expect(problems[19]?.path).toBe('/errors/19');
  });

  test('stops at the first problem of a body that could have a great many', () => {
    const errors = Array.from({ length: 200_000 }, () => 1);
    const problems = validate('outbound_smtp_fax_error', { ...exampleOf('outbound_smtp_fax_error'), errors });
    expect(problems).toMatchObject([{ path: '/errors/0', message: 'must be string or null' }]);
  });

  test('never throws, and never quotes a value', () => {
    const names = fc.constantFrom(...events.map((event) => event.name), 'unknown_event', '__proto__');
    // Digits alone could stand in a message by chance, as the number of something.
    const secret = 'S3CR3T-VALUE';
    const value = fc.oneof(
      fc.constant(secret),
      fc.jsonValue(),
      fc.array(fc.constant(secret)),
      fc.constant({ [secret]: secret }),
    );
    const keys = fc.constantFrom(
      ...new Set(events.flatMap((event) => event.fields.map((field) => field.name))),
      'event_name',
      'event_category',
    );
    fc.assert(
      fc.property(names, fc.dictionary(keys, value), (name, data) => {
        // What fast-check makes is JSON; its own type only says so in other words.
        for (const { message } of validate(name, data as JsonObject)) expect(message).not.toContain(secret);
      }),
      runs(100),
    );
  });
});

function exampleOf(name: string): JsonObject {
  return normalise(definition(name).example).data;
}

function definition(name: string): EventDefinition {
  const event = eventNamed(name);
  if (event === undefined) throw new Error(`the catalogue has no ${name}`);
  return event;
}
