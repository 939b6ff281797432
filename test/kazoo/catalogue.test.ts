import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { commonFields, eventNamed, events } from '../../src/kazoo/catalogue.ts';
import type { EventDefinition } from '../../src/kazoo/event.ts';
import { normalise } from '../../src/kazoo/normalise.ts';

interface Facts {
  readonly events: readonly EventFacts[];
}

interface EventFacts {
  readonly event: string;
  readonly aliases: readonly string[];
  readonly category: string;
  readonly routing_key: string | null;
  readonly since?: string;
  readonly fields: readonly {
    readonly name: string;
    readonly wire: string;
    readonly required: boolean;
    readonly type: string;
    readonly sensitive?: boolean;
  }[];
}

// The fixture has this form; were it another, the tests below would fail.
const facts = JSON.parse(readFileSync(new URL('../fixtures/kazoo-events.json', import.meta.url), 'utf8')) as Facts;

describe('the event catalogue', () => {
  test('has every event of KAZOO and no other, sorted by name', () => {
    expect(events.map((event) => event.name)).toEqual(facts.events.map((fact) => fact.event).sort());
  });

  test.each(facts.events)('agrees with KAZOO on $event: its names, routing key and fields', (fact) => {
    expect((fact.since === '5') === (fact.routing_key === null)).toBe(true);
    expect(factsOf(definition(fact.event))).toEqual({
      event: fact.event,
      aliases: fact.aliases,
      category: fact.category,
      routing_key: fact.routing_key,
      fields: sorted(
        fact.fields.map(({ name, wire, required, type, sensitive = false }) => ({
          name,
          wire,
          required,
          type,
          sensitive,
        })),
      ),
    });
  });

  test('takes nothing that KAZOO publishes besides for an event of the catalogue', () => {
    expect(eventNamed('skel')).toBeUndefined();
  });

  test('finds an event by name or alias, and nothing by the names of an object’s own parts', () => {
    expect(eventNamed('topup')).toBe(eventNamed('top_up'));
    expect(eventNamed('voicemail_new')?.routingKey).toBe('notifications.voicemail.new');
    for (const name of ['', 'no_such_event', '__proto__', 'constructor', 'toString'])
      expect(eventNamed(name)).toBeUndefined();
  });

  test.each(events)('says in words what $name and its fields are', ({ title, summary, fields }) => {
    for (const text of [title, summary, ...fields.map((field) => field.description)])
      expect(text).toMatch(/^\S.*[^\s.]$/);
  });

  test('names every field as normalising its wire name does, once in an event', () => {
    for (const fields of [commonFields, ...events.map((event) => event.fields)]) {
      for (const { name, wire } of fields) expect(normalise({ [wire]: 1 }).data).toEqual({ [name]: 1 });
      expect(new Set(fields.map((field) => field.name)).size).toBe(fields.length);
    }
  });
});

describe('the examples', () => {
  test.each(events)('of $name uses the keys of the wire and has all that is required', ({ name, fields, example }) => {
    const wires = [...fields, ...commonFields].map((field) => field.wire);
    expect(wires).toEqual(expect.arrayContaining(Object.keys(example)));
    const required = [...fields, ...commonFields].filter((field) => field.required).map((field) => field.wire);
    expect(Object.keys(example)).toEqual(expect.arrayContaining(required));
    expect(example).toMatchObject({ 'Event-Category': 'notification', 'Event-Name': name });
  });

  test.each(events)('of $name shows every secret that the event can carry', ({ fields, example }) => {
    const secrets = fields.filter((field) => field.secret).map((field) => field.wire);
    expect(Object.keys(example)).toEqual(expect.arrayContaining(secrets));
  });

  test('have the keys of an answered publish just where KAZOO waits for an answer', () => {
    const silent = events.filter((event) => event.example['Server-ID'] === undefined).map((event) => event.name);
    expect(silent).toEqual([
      'deregister',
      'number_feature_manual_action',
      'register',
      'system_alert',
      'transaction',
      'voicemail_deleted',
      'voicemail_saved',
    ]);
    const unlogged = events.filter((event) => event.example['System-Log-ID'] === undefined).map((event) => event.name);
    expect(unlogged).toEqual(silent);
  });

  test('are different publishes', () => {
    const ids = events.map((event) => event.example['Msg-ID']);
    expect(new Set(ids).size).toBe(events.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

function definition(name: string): EventDefinition {
  const event = eventNamed(name);
  if (event === undefined) throw new Error(`the catalogue has no ${name}`);
  return event;
}

function factsOf({ name, aliases, category, routingKey, fields }: EventDefinition) {
  return {
    event: name,
    aliases,
    category,
    routing_key: routingKey,
    fields: sorted(
      fields.map((field) => ({
        name: field.name,
        wire: field.wire,
        required: field.required,
        type: field.type,
        sensitive: field.secret,
      })),
    ),
  };
}

function sorted<T extends { readonly name: string }>(fields: readonly T[]): T[] {
  return fields.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
