import { describe, expect, test } from '@jest/globals';
import { createTemplate } from '../../../src/sinks/template/template.ts';
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

  const written = {
    json: `a\\"b'c\\\\d\\n</x>%e\`$f`,
    script: 'a\\"b\\u0027c\\\\d\\n</x>%e\\u0060\\u0024f',
    markup: 'a&#34;b&#39;c\\d\n&#60;/x&#62;%e`$f',
    dtd: 'a&#34;b&#39;c\\d\n&#60;/x&#62;&#37;e`$f',
    form: `a%22b'c%5Cd%0A%3C%2Fx%3E%25e%60%24f`,
    text: 'a"b\'c\\d\n</x>%e`$f',
  };
  test.each<[keyof typeof written, readonly string[]]>([
    ['json', ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines']],
    [
      'json',
      ['application/json-seq', 'text/x-json', 'APPLICATION/X-NDJSON; charset=utf-8', 'application/x-json-stream'],
    ],
    ['script', ['application/json5', 'text/javascript', 'application/x-javascript', 'application/ecmascript']],
    [
      'markup',
      ['text/html', 'application/soap+xml', 'text/xml; charset=utf-8', 'application/xhtml+xml', 'image/svg+xml'],
    ],
    ['markup', ['application/xml-external-parsed-entity', 'text/x-html', 'application/x-xml', 'text/vnd.wap.wml']],
    ['dtd', ['application/xml-dtd']],
    ['form', ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=utf-8']],
    ['text', ['text/plain', 'text/plain; profile="text/xml"', 'text/csv', 'text/markdown']],
  ])('escapes values as %s in each of %j', (syntax, contentTypes) => {
    for (const contentType of contentTypes) {
      const text = render('{{ data.name }}', { name: written.text }, contentType);
      expect([contentType, text]).toEqual([contentType, written[syntax]]);
    }
  });

  test.each([
    ['application/x-ndjson', '{"name":"{{ data.name }}"}\n{"id":"{{ id }}"}\n', (text: string) => text.split('\n')[0]],
    ['application/json-seq', '\x1e{"name":"{{ data.name }}"}\n', (text: string) => text.slice(1)],
  ])('of %s lets no value begin another one', (contentType, text, first) => {
    const name = '"}\n{"name":"other';
    expect(JSON.parse(first(render(text, { name }, contentType)) ?? '')).toEqual({ name });
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
    expect(() => createTemplate({ body: '{{ id | nosuch }}', contentType: 'text/plain' }, () => ({}))).toThrow(
      'nosuch',
    );
  });
});

function render(text: string, data: object = { current_balance: -1 }, contentType = 'application/json'): string {
  const template = createTemplate({ body: text, contentType }, () => ({ fields: { key: 'k' } }));
  return template(deliveryOf(body({ ...data }))).text;
}
