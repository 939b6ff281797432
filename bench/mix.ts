import { events } from '../src/kazoo/catalogue.ts';
import type { EventDefinition } from '../src/kazoo/event.ts';

/** What a day of a KAZOO looks like: how often each event comes, and how large it is. The same day every time. */
export function* day(): Generator<{ readonly event: EventDefinition; readonly size: number }> {
  const random = createRandom(39);
  // All of them come, however rare.
  for (const event of events) yield { event, size: sizeOf(event, random()) };
  const total = events.reduce((sum, event) => sum + weightOf(event), 0);
  for (;;) {
    let left = random() * total;
    const event = events.find((candidate) => {
      left -= weightOf(candidate);
      return left < 0;
    });
    if (event !== undefined) yield { event, size: sizeOf(event, random()) };
  }
}

/** Of a thousand notifications, about; what isn't named comes once in a thousand. */
const weights: Readonly<Record<string, number>> = {
  register: 300,
  deregister: 250,
  missed_call: 160,
  voicemail_new: 80,
  voicemail_saved: 60,
  voicemail_deleted: 50,
  inbound_fax: 20,
  outbound_fax: 15,
  outbound_fax_error: 5,
  inbound_fax_error: 3,
  system_alert: 20,
  transaction: 10,
  topup: 5,
  low_balance: 5,
  webhook: 5,
};

function weightOf({ name }: EventDefinition): number {
  return weights[name] ?? (/^port/.test(name) ? 0.2 : 1);
}

/** Bytes of the smallest and the largest body: alerts carry requests, voicemails a transcription, comments a text. */
const sizes: readonly (readonly [RegExp, number, number])[] = [
  [/^system_alert$/, 600, 16_384],
  [/^(voicemail_new|port_comment|customer_update)$/, 600, 8_192],
  [/fax/, 600, 4_096],
  [/^(register|deregister)$/, 300, 1_100],
  [/./, 300, 2_048],
];

/** Most are near the smallest. */
function sizeOf({ name }: EventDefinition, random: number): number {
  const [, least = 0, most = 0] = sizes.find(([names]) => names.test(name)) ?? [];
  return Math.round(least * (most / least) ** (random * random));
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
