// What somebody might write outside of this repository: compiled and run by npm.test.ts, against the installed package.
import type { Envelope, EventEnvelope, EventName } from 'kazoo-relay/events';
import bundle from 'kazoo-relay/schemas/bundle.json' with { type: 'json' };
import envelopeSchema from 'kazoo-relay/schemas/envelope.json' with { type: 'json' };
import schema from 'kazoo-relay/schemas/voicemail_new.json' with { type: 'json' };

function lineOf(envelope: Envelope): string {
  if (!envelope.valid) return `invalid: ${envelope.problems.map(({ path }) => path).join(', ')}`;
  if (envelope.category === null) return `unknown: ${envelope.event} of ${envelope.data.app_name}`;
  switch (envelope.event) {
    case 'voicemail_new':
      return `voicemail: ${envelope.data.voicemail_id}, ${Number(envelope.data.voicemail_timestamp)}`;
    case 'relay_sink_away':
      return envelope.data.message;
    case 'low_balance': {
      // @ts-expect-error a balance has no voicemail
      const { voicemail_id: _none } = envelope.data;
      // @ts-expect-error an integer may come as its digits
      const _cents: number = envelope.data.current_balance;
      return `balance: ${envelope.data.current_balance}`;
    }
    default: {
      const other: EventName = envelope.event;
      return `other: ${other}`;
    }
  }
}

// @ts-expect-error no event has this name
export type None = EventEnvelope<'voicemail_newer'>;

for (const line of process.argv.slice(2)) console.log(lineOf(JSON.parse(line)));
console.log(schema.$id, envelopeSchema.$id, bundle.$id);
