import { gzipSync } from 'node:zlib';
import { exampleBody } from '../../src/cli/support/example.ts';
import { findEvent } from '../../src/cli/support/lookup.ts';
import type { Message } from '../../src/cli/support/publisher.ts';
import type { JsonObject } from '../../src/common/json.ts';
import { events, exampleRoutingKey } from '../../src/kazoo/catalogue.ts';
import { notificationId } from '../../src/kazoo/identity.ts';

/** A message that the quickstart publishes, and what ought to become of it. */
export interface Sample {
  /** Its event, and what is odd about it. */
  readonly title: string;
  readonly message: Message;
  /** The id that the relay gives it. */
  readonly id: string;
  /** Delivered to every sink, or only kept in the journal. */
  readonly fate: 'delivered' | 'kept';
}

export interface Specimens {
  /** A notification of every event. */
  readonly regular: readonly Sample[];
  /**
   * What else KAZOO's bus carries, every day or on a bad one. The last is delivered: once it has arrived, all before it
   * have had their chance.
   */
  readonly odd: readonly Sample[];
}

/** @param time Unix milliseconds */
export function makeSpecimens(time: number): Specimens {
  const known = findEvent('voicemail_new');
  const { name } = known;
  const routingKey = exampleRoutingKey(known);
  const voicemail = exampleBody(known, time, []);
  const regular = events.map((event) => {
    const body = event.name === name ? voicemail : exampleBody(event, time, []);
    return sample(event.name, 'delivered', { routingKey: exampleRoutingKey(event), body: bytesOf(body), time });
  });
  const odd = oddBodies(voicemail).map(({ title, fate, ...message }) =>
    sample(`voicemail_new, ${title}`, fate, { routingKey, time, ...message }),
  );
  return { regular, odd };
}

type OddBody = Pick<Sample, 'title' | 'fate'> & Pick<Message, 'body' | 'contentEncoding'>;

function oddBodies(voicemail: JsonObject): readonly OddBody[] {
  const changed = (changes: JsonObject) => bytesOf({ ...voicemail, ...changes });
  const headers = Object.fromEntries(Object.keys(voicemail).map((key) => [key, key]));
  return [
    { title: 'published again', fate: 'kept', body: changed({ 'Msg-ID': 'f'.repeat(32), 'Server-ID': 'retry' }) },
    { title: 'e-mail preview', fate: 'kept', body: changed({ ...headers, ...named, Preview: true }) },
    { title: 'no account', fate: 'kept', body: changed({ 'Account-ID': undefined }) },
    { title: 'words for a time', fate: 'kept', body: changed({ 'Voicemail-Timestamp': 'yesterday' }) },
    { title: 'cut short', fate: 'kept', body: changed({}).subarray(0, -1) },
    { title: 'not UTF-8', fate: 'kept', body: Buffer.concat([changed({}), Buffer.from([0xff])]) },
    { title: 'unknown event', fate: 'delivered', body: changed({ 'Event-Name': 'voicemail_shared' }) },
    {
      title: 'in gzip',
      fate: 'delivered',
      body: gzipSync(changed({ 'Call-ID': 'gzip@example.com' })),
      contentEncoding: 'gzip',
    },
  ];
}

/** KAZOO fills what an e-mail template asks for with the name of the field, and leaves these as they are. */
const named = { 'Event-Category': 'notification', 'Event-Name': 'voicemail_new' };

function sample(title: string, fate: Sample['fate'], message: Message): Sample {
  return { title, fate, message, id: notificationId(message, message.time) };
}

function bytesOf(body: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(body));
}
