import { describe, expect, test } from '@jest/globals';
import { checkConfig } from '../../../src/config/load.ts';
import { configFolder, given } from '../../support/config-folder.ts';

const folder = configFolder();
const usual = { url: 'smtps://mail.example.com', from: 'phone@example.com', to: ['noc@example.com'] };

describe('a mistake in the options of an email sink is told with its place', () => {
  test.each<[object, string]>([
    [
      { url: 'mail.example.com:587' },
      'url must be a URL such as smtp://host:587 or smtps://host:465; smtp:// is missing in front',
    ],
    [
      { url: 'smtp://u:p@mail.example.com' },
      'url must be without user and password; they belong under auth.user and auth.password',
    ],
    [{ url: 'smtp://h:99999' }, 'url must be a URL such as'],
    [{ url: 'smtp://h/path' }, 'url must be a URL such as'],
    [{ from: 'phone' }, 'from must be one address: user@example.com or Name <user@example.com>'],
    [{ from: 'a@b.test, c@d.test' }, 'from must be one address'],
    [{ to: [] }, 'to is required where toByAccount has no addresses'],
    [
      { to: ['noc@example.com', '{email}'] },
      'to must be a list of addresses (user@example.com or Name <user@example.com>) and fields of the body such as {data.email}',
    ],
    [{ to: ['{account_id}@example.com'] }, 'to must be a list of addresses'],
    [{ toByAccount: { a1: [] } }, 'toByAccount.a1 must be a list of addresses'],
    [{ toByAccount: { a1: ['{data.email}'] } }, 'toByAccount.a1 must be a list of addresses'],
    [{ template: { text: '{{ id' } }, 'template.text this {{ has no }}'],
    [{ tls: { cert: '/c.pem' } }, 'tls needs cert and key, or neither'],
    [{ url: 'smtp://h', starttls: false, tls: { ca: '/ca.pem' } }, 'tls.ca is only for smtps://, or starttls: true'],
  ])('%j', (options, message) => {
    expect(checked(options).errors).toEqual([expect.stringContaining(`routes.r.sink.${message}`)]);
  });
});

describe('what is surely not meant is warned of', () => {
  test.each<[object, object, string]>([
    [
      { url: 'smtp://mail.example.com', starttls: false, auth: { user: 'u', password: 'geheim' } },
      {},
      'url is not encrypted: whoever is on the way can read auth.password',
    ],
    [
      { url: 'smtp://mail.example.com', starttls: false },
      { reveal: ['password'] },
      'url is not encrypted: whoever is on the way can read what the route reveals (password)',
    ],
    [
      { to: ['{data.emial}'] },
      { events: ['password_recovery'] },
      'to[0] no password_recovery has a field emial; did you mean email?',
    ],
    [
      { to: ['{data.email}'] },
      { events: ['password_recovery', 'low_balance'] },
      'to no address results for it (data.email is empty or missing)',
    ],
    [
      { template: { html: '{{ data.emial }}' } },
      { events: ['password_recovery'] },
      'template.html no password_recovery has a field emial',
    ],
    [
      { template: { text: '{% for x in (1..99999999) %}{{ x }}{% endfor %}' } },
      { events: ['password_recovery'] },
      'template the template fails: ',
    ],
  ])('%j, of a route with %j', (options, route, message) => {
    const { warnings } = checked(options, route);
    expect(warnings).toContainEqual(expect.stringContaining(`routes.r.sink.${message}`));
    expect(warnings.join()).not.toContain('geheim');
  });

  test.each<[object, object]>([
    [{}, {}],
    [{ url: 'smtp://127.0.0.1', starttls: false, auth: { user: 'u', password: 'geheim' } }, {}],
    [{ url: 'smtp://mail.example.com', auth: { user: 'u', password: 'geheim' } }, {}],
    [{ to: ['{data.email}'], noAddress: 'skip' }, { events: ['password_recovery', 'low_balance'] }],
    [{ to: ['{data.email}'], toByAccount: { a1: 'a@example.com' } }, { events: ['password_recovery'] }],
    [{ template: { text: '{{ summary.title }} {{ data.email }}' } }, { events: ['password_recovery'] }],
  ])('and nothing else: %j, of a route with %j', (options, route) => {
    expect(checked(options, route)).toEqual({ errors: [], warnings: [] });
  });
});

test.each(['account_id', 'data'])('a route can’t leave out %s, which leads to the recipients', (key) => {
  const recipients = { to: ['{data.email}'], toByAccount: { default: 'a@example.com' } };
  expect(checked(recipients, { shape: { omit: [key] } }).errors).toEqual([expect.stringContaining(key)]);
  expect(checked({}, { shape: { omit: [key] } }).errors).toEqual([]);
});

function checked(options: object, route: object = {}) {
  const config = {
    brokers: [{ zone: 'west', url: 'amqp://127.0.0.1' }],
    routes: { r: { ...route, sink: { type: 'email', ...usual, ...options } } },
  };
  const { errors, warnings } = checkConfig(folder.write('relay.yaml', JSON.stringify(config)), given({}));
  const told = ({ option, message }: { readonly option: string; readonly message: string }) => `${option} ${message}`;
  return { errors: errors.map(told), warnings: warnings.map(told) };
}
