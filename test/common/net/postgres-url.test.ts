import { expect, test } from '@jest/globals';
import { postgresServers } from '../../../src/common/net/postgres-url.ts';

test.each([
  ['postgres://u:p%40x@a,b:5433/db?target_session_attrs=read-write', ['u:p@x@a:5432/db', 'u:p@x@b:5433/db']],
  ['postgresql://[::1]:1,h/d', ['::1:1/d', 'h:5432/d']],
  ['postgres:///d?host=/var/run/postgresql', ['/var/run/postgresql:5432/d']],
  ['postgres://h', ['h:5432/']],
])('%s is a server for each of its hosts, in their order', (url, expected) => {
  const found = postgresServers(url).map(({ host, port, user, password, database = '' }) => {
    const login = user === undefined ? '' : `${user}:${password}@`;
    return `${login}${host}:${port}/${database}`;
  });
  expect(found).toEqual(expected);
});

test.each([
  ['postgres://u:geheim@a:geheim,b/db', 'a host or a port of it can be none'],
  ['postgres://u:geheim@a,,b/db', 'a host or a port of it can be none'],
  ['postgres://u:geheim@a,b/db?target_session_attrs=any', 'must be read-write'],
  ['postgres://u:geheim@a,b/db?password=geheim', 'it has the parameter password'],
])('what is wrong with a URL is said without the secret in it (%#)', (url, expected) => {
  expect(() => postgresServers(url)).toThrow(expected);
  expect(() => postgresServers(url)).not.toThrow('geheim');
});
