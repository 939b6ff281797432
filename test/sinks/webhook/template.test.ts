import { describe, expect, test } from '@jest/globals';
import { createTemplate } from '../../../src/sinks/webhook/template.ts';
import { body, deliveryOf } from '../../support/webhook.ts';

const hostile = 'a"b\\c\n</x><!-- \u2028 {{ id }} {% if %}';

describe('a template', () => {
  test('sees the keys of the envelope and the fields', () => {
    const text = render('{"e":"{{ event }}","b":{{ data.current_balance }},"f":"{{ fields.key }}"}');
    expect(JSON.parse(text)).toEqual({ e: 'low_balance', b: -1, f: 'k' });
  });

  test('of JSON lets no value end the string that it stands in', () => {
    const text = render('{"name":"Call from {{ data.name }}","none":"{{ data.none }}"}', { name: hostile });
    expect(JSON.parse(text)).toEqual({ name: `Call from ${hostile}`, none: '' });
  });

  test('of JSON puts in whole values with json and raw', () => {
    expect(JSON.parse(render('{"data":{{ data | json | raw }}}', { a: [hostile] }))).toEqual({
      data: { a: [hostile] },
    });
  });

  test.each([
    ['text/html', 'a&#34;b\\c\n&#60;/x&#62;'],
    ['application/soap+xml', 'a&#34;b\\c\n&#60;/x&#62;'],
    ['application/x-www-form-urlencoded', 'a%22b%5Cc%0A%3C%2Fx%3E'],
    ['text/plain', 'a"b\\c\n</x>'],
  ])('of %s escapes values as that wants it', (contentType, expected) => {
    expect(render('{{ data.name }}', { name: 'a"b\\c\n</x>' }, contentType)).toBe(expected);
  });

  test('that gives no JSON although it says so is a dead letter, not a request', () => {
    expect(() => render('{"a": {{ data.none }} }')).toThrow('the template gives no JSON');
  });

  test.each(['{% include "package.json" %}', '{% render "./package.json" %}', '{% layout "/etc/passwd" %}'])(
    'reads no file: %s',
    (text) => {
      expect(() => render(text, {}, 'text/plain')).toThrow(/template fails|ENOENT/);
    },
  );

  test.each([
    '{{ data.constructor }}',
    '{{ data.__proto__ }}',
    '{{ event.constructor.name }}',
    '{{ id.length.constructor }}',
  ])('sees nothing behind the values: %s', (text) => {
    expect(render(text, {}, 'text/plain')).toBe('');
  });

  test.each([
    ['{% for a in (1..100000) %}{% for b in (1..100000) %}{% endfor %}{% endfor %}'],
    ['{% for a in (1..999999999) %}x{% endfor %}'],
    ['{% assign x = "xxxxxxxx" %}{% for a in (1..60) %}{% assign x = x | append: x %}{% endfor %}{{ x }}'],
    ['{% for a in (1..20000) %}{% for b in (1..100) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}'],
  ])('ends, however long it would take or whatever it would make: %s', (text) => {
    expect(() => render(text, {}, 'text/plain')).toThrow(/^the template (fails|gives more)/);
  });

  test('can’t be used with a filter that isn’t there', () => {
    expect(() => createTemplate({ body: '{{ id | nosuch }}', contentType: 'text/plain' }, {})).toThrow('nosuch');
  });
});

function render(text: string, data: object = { current_balance: -1 }, contentType = 'application/json'): string {
  const template = createTemplate({ body: text, contentType }, { key: 'k' });
  return template(deliveryOf(body({ ...data }))).text;
}
