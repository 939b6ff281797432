import { Command } from 'commander';
import { commonFields, events, exampleRoutingKey } from '../../kazoo/catalogue.ts';
import type { EventDefinition, EventField } from '../../kazoo/event.ts';
import { relayEvents } from '../../kazoo/relay-events.ts';
import { findEvent } from '../support/lookup.ts';
import type { Terminal } from '../support/terminal.ts';
import { columns, orExit } from '../support/terminal.ts';

export function eventsCommand(terminal: Terminal): Command {
  return new Command('events')
    .description('list the events of KAZOO and those of the daemon itself, or show one of them with its fields')
    .argument('[event]', 'its name or an alias')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 shown, 2 wrong options, or no such event.\n\nExamples:\n  kazoo-relay events\n  kazoo-relay events voicemail_new --json',
    )
    .action((name: string | undefined, { json = false }: { json?: boolean }) =>
      orExit(
        terminal,
        () => 2,
        () => terminal.print(name === undefined ? list(json) : show(findEvent(name), json)),
      ),
    );
}

function list(json: boolean): string {
  const all = [...events, ...relayEvents];
  if (json) return asJson(all.map(outline));
  const rows = all.map((event) => [event.name, event.category, event.routingKey ?? unknownKey, event.title]);
  return columns([['NAME', 'CATEGORY', 'ROUTING KEY', 'TITLE'], ...rows]);
}

/** In the place of a routing key. */
const unknownKey = 'not known: KAZOO 5 only';

function show(event: EventDefinition, json: boolean): string {
  return json
    ? asJson({ ...outline(event), fields: event.fields, common_fields: commonFields, example: event.example })
    : page(event);
}

function page(event: EventDefinition): string {
  const facts = [
    ['category', event.category],
    ['routing key', event.routingKey ?? `${unknownKey}; examples have ${exampleRoutingKey(event)}`],
    ...(event.aliases.length > 0 ? [['alias', event.aliases.join(', ')]] : []),
  ];
  const everywhere = commonFields.filter((field) => field.required).map((field) => field.name);
  return [
    `${event.name}: ${event.title}\n${event.summary}.`,
    columns(facts),
    columns([['FIELD', 'ON THE WIRE', 'TYPE', 'REQUIRED', 'SECRET', 'DESCRIPTION'], ...event.fields.map(fieldRow)]),
    `Every event also has ${everywhere.join(', ')}.`,
  ].join('\n\n');
}

function fieldRow(field: EventField): string[] {
  const { name, wire, type, required, secret, description } = field;
  return [name, wire, type, required ? 'yes' : '', secret ? 'yes' : '', description];
}

function outline({ name, aliases, title, summary, category, routingKey }: EventDefinition) {
  return { name, aliases, title, summary, category, routing_key: routingKey };
}

function asJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
