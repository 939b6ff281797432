import { describe, expect, test } from '@jest/globals';
import { html } from '../../src/page/html.ts';
import { jsonLine } from '../../src/page/json-text.ts';

describe('a piece of a page', () => {
  test.each([
    ['an element', '<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['the end of an attribute', `" onmouseover='x`, '&quot; onmouseover=&#39;x'],
    ['an entity', '&lt;', '&amp;lt;'],
    ['what turns the direction of writing', 'a\u202eb', 'a\\u202eb'],
    ['what steers a terminal', '\u001b[31mred\u0007', '\\u001b[31mred\\u0007'],
    ['lines and tabs', 'a\n\tb', 'a\n\tb'],
  ])('shows %s, and is not changed by it', (_what, text, shown) => {
    expect(html`<p title="${text}">${text}</p>`.text).toBe(`<p title="${shown}">${shown}</p>`);
  });

  test('takes pieces and lists as they are, and leaves out what is nothing', () => {
    const item = (text: string) => html`<li>${text}</li>`;
    expect(html`<ul>${['a', '<b>'].map(item)}</ul>${null}${undefined}${false}${0}`.text).toBe(
      '<ul><li>a</li><li>&lt;b&gt;</li></ul>0',
    );
  });
});

describe('JSON on a page', () => {
  test.each([
    ['{"a":1,"b":[true,null],"c":{}}', '{\n  "a": 1,\n  "b": [\n    true,\n    null\n  ],\n  "c": {}\n}'],
    ['{"text":"a,b:{\\"}"}', '{\n  "text": "a,b:{\\"}"\n}'],
    ['{"large":12345678901234567890.10}', '{\n  "large": 12345678901234567890.10\n}'],
    ['[]', '[]'],
  ])('%s stands a member a line, each value as it was written', (json, shown) => {
    expect(jsonLine(json)).toBe(shown);
  });

  test('ends after 64 KiB, and says how much more there is; however deep it goes', () => {
    expect(jsonLine(`"${'x'.repeat(70_000)}"`)).toMatch(/x\n… 4466 more characters$/);
    expect(jsonLine('['.repeat(60_000)).length).toBeLessThan(60_000 * 50);
  });
});
