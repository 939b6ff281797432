import { describe, expect, test } from '@jest/globals';
import { exampleBody } from '../../../src/cli/support/example.ts';
import type { JsonObject } from '../../../src/common/json.ts';
import { events } from '../../../src/kazoo/catalogue.ts';
import type { EventDefinition } from '../../../src/kazoo/event.ts';
import { normalise } from '../../../src/kazoo/normalise.ts';
import { digestLetter } from '../../../src/sinks/email/digest.ts';
import { createLetters, type Letter } from '../../../src/sinks/email/letter.ts';
import type { TextTemplates } from '../../../src/sinks/email/options.ts';
import { digestOf } from '../../../src/sinks/summary/digest.ts';
import { summaryOf } from '../../../src/sinks/summary/summary.ts';
import { hostileTexts } from '../../support/hostile-texts.ts';
import { deliveryFrom, type EntryParts, entry } from '../../support/notification.ts';

const ownTag = /<\/?(!doctype|html|head|meta|title|body|h1|h2|table|tr|th|td|p|ul|li)( [a-z]+="[^"<>]*")*( html)?>/g;
const bare: TextTemplates = { subject: undefined, text: undefined, html: undefined };

describe('an e-mail', () => {
  test.each(events)('says what happened, and what a person wants to know, of $name', (event) => {
    const delivery = deliveryFrom(entry({ id: 'i1', event: event.name, data: dataOf(event) }));
    const { title, facts } = summaryOf(delivery.envelope);
    const { subject, text, html } = letterOf(delivery);
    expect(subject).toContain(title);
    for (const { name, value } of facts) expect(text).toContain(`${name}: ${value}\n`);
    expect(html?.match(/<tr>/g)).toHaveLength(facts.length);
    expect(text).toMatch(new RegExp(`\n-- \nkazoo-relay, route phones: ${event.name}, id i1\n$`));
  });

  test.each(hostileTexts)('lets %j end no line, open no tag and load nothing', (hostile) => {
    const parts: EntryParts = {
      event: hostile,
      accountId: hostile,
      zone: hostile,
      data: { [hostile]: hostile, x: hostile },
    };
    const delivery = deliveryFrom(entry(parts));
    for (const { subject, text, html = '' } of [letterOf(delivery), digestLetter([delivery], 'phones')]) {
      expect(subject).toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
      expect(`${text}${html}`.replace(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u);
      expect(html.replace(ownTag, '')).not.toMatch(/[<>]/);
      expect(html).not.toMatch(/<[^>]*(src|href|url\()/);
    }
  });

  test.each<[Partial<TextTemplates>, object]>([
    [{ subject: 'Call: {{ data.name }}' }, { subject: 'Call: <b> &', text: expect.stringContaining('Low balance') }],
    [{ subject: '{{ data.none }}' }, { subject: '⚠ Low balance' }],
    [{ text: '{{ data.name }}, {{ summary.title }}' }, { text: '<b>\n&, Low balance', html: undefined }],
    [
      { html: '<p>{{ data.name }}</p>' },
      { text: expect.stringContaining('Low balance'), html: '<p>&#60;b&#62;\n&#38;</p>' },
    ],
    [
      { html: '{% for fact in summary.facts %}{{ fact.name }}={{ fact.value }};{% endfor %}' },
      { html: expect.stringContaining('Zone=west;') },
    ],
  ])('is written by the templates %j', (templates, expected) => {
    const delivery = deliveryFrom(entry({ data: { name: '<b>\r&' } }));
    expect(createLetters({ template: { ...bare, ...templates } }, 'phones')(delivery)).toMatchObject(expected);
  });

  test('is urgent for whoever must look at it at once', () => {
    const urgencyOf = (event: string) => letterOf(deliveryFrom(entry({ event }))).isUrgent;
    expect([urgencyOf('emergency_bridge'), urgencyOf('missed_call')]).toEqual([true, false]);
  });
});

describe('a digest', () => {
  test('says how many there are of each event, and has a line for each notification, the most urgent first', () => {
    const missed = Array.from({ length: 3 }, (_, at) => one('missed_call', { caller_id_number: `+1${at}` }));
    const { subject, text, html } = digestLetter([...missed, one('low_balance'), one('nobody_knows')], 'phones');
    const { title } = digestOf([...missed, one('low_balance'), one('nobody_knows')].map(({ envelope }) => envelope));
    expect(subject).toBe(`⚠ ${title}`);
    expect(text).toBe(`${title}

Low balance: 1
Missed call: 3
nobody_knows: 1

⚠ 22:13 Low balance
22:13 Missed call from +10
22:13 Missed call from +11
22:13 Missed call from +12
22:13 nobody_knows

-- 
kazoo-relay, route phones
`);
    expect(html?.match(/<li>/g)).toHaveLength(5);
  });

  test('says how many it has no line for', () => {
    const { text } = digestLetter(
      Array.from({ length: 600 }, () => one('missed_call')),
      'phones',
    );
    expect(text.match(/^22:13 Missed call$/gm)).toHaveLength(500);
    expect(text).toContain('Missed call: 600');
    expect(text).toContain('… and 100 more');
  });
});

function one(event: string, data: JsonObject = {}) {
  return deliveryFrom(entry({ event, data }));
}

function letterOf(delivery: ReturnType<typeof deliveryFrom>): Letter {
  return createLetters({ template: undefined }, 'phones')(delivery);
}

function dataOf(event: EventDefinition): JsonObject {
  return normalise(exampleBody(event, 1_700_000_000_000, [])).data;
}
