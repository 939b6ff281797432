import { describe, expect, test } from '@jest/globals';
import { check } from '../../../src/config/check/check.ts';
import type { Issue } from '../../../src/config/diagnostics.ts';
import '../../../src/config/formats.ts';
import type { OptionTree } from '../../../src/common/options/declare.ts';

const options: OptionTree = {
  url: { doc: 'Where to.', format: 'text', default: null },
  proxy: { doc: 'By which way.', format: 'text', default: undefined },
  headers: { doc: 'Headers.', each: { doc: 'A value.', format: 'text', default: null, sensitive: true } },
  columns: { doc: 'Columns.', each: { path: { doc: 'From where.', format: 'text', default: null } } },
  login: {
    doc: 'Who we are.',
    optional: {
      user: { doc: 'Name.', format: 'text', default: null },
      realm: { doc: 'Realm.', format: 'text', default: 'here' },
    },
  },
};

describe('options of every form', () => {
  test('are checked, with their defaults in place', () => {
    expect(checked({ url: 'a' })).toEqual({
      value: { url: 'a', proxy: undefined, headers: {}, columns: {}, login: undefined },
      errors: [],
    });
    const whole = {
      url: 'a',
      proxy: 'b',
      headers: { 'x-key': 'c' },
      columns: { caller: { path: 'data.a' } },
      login: { user: 'me' },
    };
    expect(checked(whole)).toEqual({ value: { ...whole, login: { user: 'me', realm: 'here' } }, errors: [] });
  });

  test('have their errors told with the path', () => {
    const { errors } = checked({ headers: { a: { b: 1 } }, columns: { caller: {} }, login: {}, proxy: 3 });
    expect(errors.map(({ path, message, value = '' }) => `${path.join('.')} ${message} ${value}`.trimEnd())).toEqual([
      'url is required',
      'proxy looks like a number to YAML: put it in quotes 3',
      'headers.a must be a single value, not a mapping',
      'columns.caller.path is required',
      'login.user is required',
    ]);
    expect(checked({ url: 'a', headers: [1] }).errors).toEqual([
      { path: ['headers'], message: 'must be a mapping of names to values' },
    ]);
  });

  test('never have a secret told', () => {
    expect(JSON.stringify(checked({ url: 'a', headers: { a: ['geheim'] } }).errors)).not.toContain('geheim');
  });
});

function checked(value: unknown): { value: unknown; errors: Issue[] } {
  const errors: Issue[] = [];
  return { value: check(value, options, [], errors), errors };
}
