import { Command } from 'commander';
import { wrap } from '../../common/text/format.ts';
import { commonFields, events, exampleRoutingKey } from '../../kazoo/catalogue.ts';
import type { EventDefinition, EventField } from '../../kazoo/event.ts';
import { relayEvents } from '../../kazoo/relay-events.ts';
import { withWide } from '../support/args.ts';
import { findEvent } from '../support/lookup.ts';
import { type Column, Table } from '../support/table.ts';
import { columns, orExit, type Terminal } from '../support/terminal.ts';

export function eventsCommand(terminal: Terminal): Command {
  return withWide(new Command('events'), terminal)
    .description('list the events of KAZOO and those of the daemon itself, or show one of them with its fields')
    .argument('[event]', 'its name or an alias')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 shown, 2 wrong options, or no such event.\n\nExamples:\n  kazoo-relay events\n  kazoo-relay events voicemail_new --json',
    )
    .action((name: string | undefined, options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => (name === undefined ? list(terminal, options) : show(terminal, findEvent(name), options)),
      ),
    );
}

interface Options {
  readonly json?: true;
}

async function list(terminal: Terminal, options: Options): Promise<void> {
  const all = [...events, ...relayEvents];
  if (options.json) return terminal.print(asJson(all.map(outline)));
  await new Table(terminal, eventColumns).print(
    all.map((event) => [event.name, event.category, event.routingKey ?? unknownKey, event.title]),
  );
}

const eventColumns: readonly Column[] = [
  { head: 'NAME' },
  { head: 'CATEGORY' },
  { head: 'ROUTING KEY', spare: 1 },
  { head: 'TITLE', min: 16 },
];

/** In the place of a routing key. */
const unknownKey = 'not known: KAZOO 5 only';

async function show(terminal: Terminal, event: EventDefinition, options: Options): Promise<void> {
  const all = { fields: event.fields, common_fields: commonFields, example: event.example };
  await terminal.print(options.json ? asJson({ ...outline(event), ...all }) : page(terminal, event));
}

function page(terminal: Terminal, event: EventDefinition): string {
  const facts = [
    ['category', event.category],
    ['routing key', event.routingKey ?? `${unknownKey}; examples have ${exampleRoutingKey(event)}`],
    ...(event.aliases.length > 0 ? [['alias', event.aliases.join(', ')]] : []),
  ];
  const wrapped = (text: string) =>
    text
      .split('\n')
      .flatMap((line) => wrap(line, terminal.width))
      .join('\n');
  const everywhere = commonFields.filter((field) => field.required).map((field) => field.name);
  return [
    wrapped(`${event.name}: ${event.title}\n${event.summary}.`),
    wrapped(columns(facts)),
    new Table(terminal, fieldColumns).lines(event.fields.map(fieldRow)).join('\n'),
    wrapped(`Every event also has ${everywhere.join(', ')}.`),
  ].join('\n\n');
}

const fieldColumns: readonly Column[] = [
  { head: 'FIELD' },
  { head: 'ON THE WIRE', spare: 3 },
  { head: 'TYPE', min: 8 },
  { head: 'REQUIRED', spare: 1 },
  { head: 'SECRET', spare: 2 },
  { head: 'DESCRIPTION', min: 16 },
];

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
