import { describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/common/json.ts';
import { createCondition } from '../../src/routes/condition.ts';
import { type EntryParts, entry } from '../support/notification.ts';

const call = {
  caller_id_number: '+4930123456',
  duration: 12,
  price: 1.5,
  answered: true,
  nothing: null,
  to: [{ name: 'Ann' }, { name: 'Bo' }],
  flags: { urgent: true },
};

/** What a condition says of a missed call. */
function ask(text: string, parts: EntryParts = {}, data: JsonObject = call) {
  return createCondition(text)(entry({ event: 'missed_call', data, json: JSON.stringify(data), ...parts }));
}

describe('a condition', () => {
  test.each([
    ['event == "missed_call" && data.caller_id_number.startsWith("+49")', true],
    ['data.caller_id_number.startsWith("+1")', false],
    ['event in ["missed_call", "voicemail_new"]', true],
    ['data.duration > 10 && data.duration < 12.5', true],
    ['data.price * 2.0 == 3.0', true],
    ['data.answered', true],
    ['data.nothing == null', true],
    ['has(data.nope) && data.nope == 1', false],
    ['data.nope == 1 || zone == "west"', true],
    ['data.to.exists(person, person.name == "Bo")', true],
    ['data.to.all(person, person.name.size() == 3)', false],
    ['data.to.map(person, person.name).exists(name, name == "Ann")', true],
    ['(data.to + [{"name": "Cy"}]).filter(p, p.name.matches("^[BC]")).size() == 2', true],
    ['data.flags.exists(flag, flag == "urgent")', true],
    ['data["flags"].urgent ? account_id == "a1" : false', true],
    ['account_id != null && resend_of == null', true],
    ['cel.bind(names, data.to.map(p, p.name), names.exists(a, names.exists(b, a != b)))', true],
    ['data.to.map(p, p.name).join() == "AnnBo" && (["join", "b"]) . // join\n join( // join\n ".") == "join.b"', true],
    ['timestamp(occurred_at) < timestamp("2024-01-01T00:00:00Z")', true],
    ['timestamp(occurred_at).getHours("UTC") == 22', true],
    ['valid && problems.size() == 0', true],
    ['data.caller_id_number . matches(r"^\\+49\\d+$") && "matches".matches(r"^matches$")', true],
  ])('%s is %s', (text, expected) => {
    expect(ask(text)).toBe(expected);
  });

  test.each([
    ['data.nope == 1', 'No such key: nope'],
    ['data.caller_id_number > 5', 'no such overload: dyn<string> > int'],
    ['data.caller_id_number', 'it gives neither true nor false'],
    ['data.constructor == 1', 'No such key: constructor'],
    ['data.to.join("") == ""', 'join(): the list must hold nothing but texts'],
    ['timestamp(zone) < timestamp(occurred_at)', 'timestamp() requires a string in ISO 8601 format'],
  ])('that fails, as %s does, tells why', (text, failed) => {
    expect(ask(text)).toEqual({ failed });
  });

  test('that calls something on a key that is null fails', () => {
    expect(ask('event.startsWith("a")', { event: null })).toMatchObject({ failed: expect.any(String) });
    expect(ask('event == null', { event: null })).toBe(true);
  });

  test.each([
    ['event ==', 'Unexpected token: EOF, at its end'],
    [
      'event == "a" && evnt == "b"',
      'there is no variable evnt: did you mean event?, at character 17: "evnt == \\"b\\""',
    ],
    ['event == 1', 'no such overload: string == int, at character 1: "event == 1"'],
    ['valid && size(zone)', 'at character'],
    ['zone', 'it gives a value of the type string, not true or false: compare it, at character 1: "zone"'],
    ['zone.matches("(a")', 'the pattern is not a regular expression of RE2'],
    ['zone.matches("(?=a)")', 'at character 14'],
    ['zone.matches(data.pattern)', 'a pattern must be text in quotes, so that it can be checked, at character 14'],
    ['charge(data.to) == 1', 'there is no function charge(dyn)'],
    ['zone.matches_pattern(0)', 'there is no function string.matches_pattern(int)'],
    [`${'('.repeat(500)}true${')'.repeat(500)}`, 'at character'],
    [`${'true && '.repeat(2_000)}true`, 'at character'],
  ])('is refused where it is %s', (text, message) => {
    expect(() => createCondition(text)).toThrow(message);
  });
});

describe('a hostile body', () => {
  const bounded = { failed: 'it goes through too much of this notification' };

  test('can’t make a pattern go back and forth: it takes no longer for more', () => {
    const text = `${'a'.repeat(60_000)}!`;
    expect(ask('data.text.matches("^(a+)+$")', {}, { text })).toBe(false);
  });

  test('that is too large for a pattern fails', () => {
    expect(ask('data.text.matches("^(a|b|ab)*c$")', {}, { text: 'ab'.repeat(500_000) })).toEqual(bounded);
  });

  test('with a long list fails where lists are gone through within each other, however that is written', () => {
    const data = { list: Array.from({ length: 2_000 }, (_, index) => index), text: 'x'.repeat(2_000) };
    for (const text of [
      'data.list.all(a, data.list.all(b, a + b >= 0.0))',
      'data.list.exists(a, data.list.exists(b, a + b < 0.0))',
      'data.list.exists(a, data.list.map(b, b).exists(c, a + c < 0.0)) || true',
      'cel.bind(copy, data.list.map(b, b), copy.all(a, copy.all(b, a + b >= 0.0)))',
      'data.text.split("").exists(a, data.text.split("").exists(b, a != b))',
      'data.list.map(a, data.list.filter(b, b == a)).size() > 3',
    ]) {
      expect(ask(text, {}, data)).toEqual(bounded);
    }
    expect(ask('data.list.all(a, a >= 0)', {}, data)).toBe(true);
  });

  test('can’t make join build more than it may look at, once or again and again', () => {
    const joined: number[] = [];
    const join = Array.prototype.join;
    jest.spyOn(Array.prototype, 'join').mockImplementation(function (this: unknown[], separator) {
      const text = join.call(this, separator);
      joined.push(text.length);
      return text;
    });
    const data = { text: 'x'.repeat(20_000), list: Array.from({ length: 9_000 }, () => 'y') };
    const results = [
      'data.text.split("").join(data.text).size() > 1',
      'data.list.join(data.text) != ""',
      'data.list . join(data.text) == "" || true',
      'cel.bind(a, data.list.join("12345678"), a.split("").join(a).size() > 1)',
      'data.list.map(a, data.list.join(data.text)).size() > 0',
    ].map((text) => ask(text, {}, data));
    jest.restoreAllMocks();
    expect(results).toEqual(results.map(() => bounded));
    expect(Math.max(...joined)).toBeLessThan(10_000_000);
    expect(ask('data.list.join(",").size() == 17999', {}, data)).toBe(true);
  });

  test('with keys that JavaScript knows changes nothing', () => {
    const data = JSON.parse('{"__proto__": {"admin": true}, "constructor": "x", "to": [{"constructor": 1}]}');
    expect(ask('has(data.admin)', {}, data)).toBe(false);
    expect(ask('data.constructor == "x" && data.to.exists(a, a.constructor == 1)', {}, data)).toBe(true);
  });
});
