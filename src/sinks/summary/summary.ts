import type { Json, JsonObject } from '../../common/json.ts';
import type { EventField } from '../../kazoo/event.ts';
import { anyEventNamed } from '../../kazoo/relay-events.ts';
import { fromGregorianSeconds } from '../../kazoo/time.ts';
import type { ShapedEnvelope } from '../../notification/envelope.ts';
import { Body } from './body.ts';
import { sentences } from './sentences.ts';
import { type Severity, severityOf } from './severity.ts';

/** A notification in words, for a person. All of it is text of the notification's: whoever shows it escapes it. */
export interface Summary {
  /** One line: what has happened, to whom. */
  readonly title: string;
  readonly severity: Severity;
  /** What else a person wants to know, each on a line. */
  readonly facts: readonly Fact[];
}

export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** A text of a body may be any number of characters long: this much of it is enough to know what it is about. */
const longestValue = 500;
const longestTitle = 200;
/** As a name of a field: those of an event that nobody knows are whatever a body says. */
const longestLabel = 100;

/** The words for a notification, of any event: one that the catalogue doesn't know is told by its name and its fields. */
export function summaryOf(envelope: ShapedEnvelope): Summary {
  const { event, account_id: accountId, zone, occurred_at: at, valid, data } = envelope;
  const body = new Body(data ?? {});
  const definition = typeof event === 'string' ? anyEventNamed(event) : undefined;
  const sentence = sentenceOf(event, body) || titleOf(event);
  const fields =
    definition?.fields ?? Object.keys(data ?? {}).map((name) => ({ name, type: 'any' as const, secret: false }));
  const facts = fields.flatMap((field) => factOf(field, body));
  const added: readonly (readonly [string, string | null | undefined])[] = [
    ['Account', accountId],
    ['Zone', zone],
    ['At', at],
    ['Invalid', valid === false ? 'yes: the body doesn’t match the schema of its event' : null],
  ];
  return {
    title: oneLine(sentence, longestTitle),
    severity: severityOf(event ?? null, body),
    facts: [
      ...facts,
      ...added.flatMap(([name, value]) => (value ? [{ name, value: oneLine(value, longestValue) }] : [])),
    ],
  };
}

/** An event may have any name, also that of what every object inherits. */
function sentenceOf(event: string | null | undefined, body: Body): string | undefined {
  return event && Object.hasOwn(sentences, event) ? sentences[event]?.(body) : undefined;
}

/** An event by the name that the catalogue has for it, where it has one. */
export function titleOf(event: string | null | undefined): string {
  return oneLine((event && anyEventNamed(event)?.title) || event || 'Unknown event', longestTitle);
}

/** Keys that say nothing to a person: ids, databases and what belongs to the phone system's insides. */
const technicalNames = new Set([
  ...['account_id', 'authorized_by', 'acquired_for', 'expires', 'from_user', 'network_port', 'local_number'],
  ...['line', 'module', 'node', 'number_state'],
]);
const technicalEnds =
  /(^|_)(contact|databag|db|doc|hook|hostname|hosts?|ids?|info|jobid|key|notifications|notify|pid|realm|rpid|status|timestamp|timezone|type|version)$/;
const technicalStarts = /^(app_name|event_|msg_|profile_name|server_|suppress_|system_log)/;

function isTechnical(name: string): boolean {
  return technicalNames.has(name) || technicalEnds.test(name) || technicalStarts.test(name);
}

type Described = Pick<EventField, 'name' | 'type' | 'secret'>;

function factOf({ name, type, secret }: Described, body: Body): Fact[] {
  if (secret || isTechnical(name)) return [];
  const value = textOf(body.of(name), type, name);
  return value === '' ? [] : [{ name: oneLine(labelOf(name), longestLabel), value: oneLine(value, longestValue) }];
}

function textOf(value: Json | undefined, type: EventField['type'], name: string): string {
  if (type === 'gregorian') return timeOf(fromGregorianSeconds(value));
  if (name === 'current_balance') return typeof value === 'number' ? String(value / 10_000) : '';
  if (name === 'voicemail_length') return typeof value === 'number' ? `${Math.round(value / 1_000)} s` : '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string' || typeof one === 'number').join(', ');
  return contentOf(value);
}

/** @param time Unix milliseconds; null where the body has something else in that place */
function timeOf(time: number | null): string {
  return time === null ? '' : new Date(time).toISOString();
}

/** Of an object, such as the reason of a port request, what it says. */
function contentOf(value: Json | undefined): string {
  const { content, name } = (value ?? {}) as JsonObject; // whatever it is, it may have neither
  const said = content ?? name;
  return typeof said === 'string' ? said : '';
}

function labelOf(name: string): string {
  const words = name.replace(/_id_/g, ' ').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Without what would steer a terminal, turn the writing around, or begin a line. @param most characters */
export function oneLine(text: string, most: number): string {
  const line = text
    .toWellFormed()
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim();
  const characters = [...line.slice(0, most * 2)];
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join('')}…`;
}
