import { describe, expect, test } from '@jest/globals';
import { isExcepted } from '../../../src/sinks/http/proxy.ts';

describe('NO_PROXY', () => {
  test.each<[list: string, excepted: readonly string[], others: readonly string[]]>([
    ['', [], ['http://example.com']],
    ['*', ['http://example.com', 'https://[2001:db8::1]:8443'], []],
    [
      'example.com',
      ['http://example.com', 'http://EXAMPLE.com.:80', 'http://a.b.example.com'],
      ['http://anexample.com'],
    ],
    ['.example.com', ['http://a.example.com', 'http://example.com'], ['http://example.org']],
    ['*.example.com', ['http://a.example.com'], ['http://example.com']],
    ['app-*.lan', ['http://app-1.lan'], ['http://app.lan', 'http://app-1.lan.org']],
    ['127.*', ['http://127.0.0.1', 'http://127.9.9.9:81'], ['http://128.0.0.1']],
    ['10.0.0.0/8', ['http://10.1.2.3', 'https://10.255.0.1:444'], ['http://11.0.0.1', 'http://ten.example.com']],
    ['192.168.1.0/24 172.16.0.0/12', ['http://192.168.1.9', 'http://172.31.0.1'], ['http://192.168.2.1']],
    ['fd00::/8', ['http://[fd12::1]'], ['http://[fe80::1]', 'http://10.0.0.1']],
    ['[fd00::]/8', ['http://[fd12::1]'], ['http://[fe80::1]']],
    ['::1', ['http://[::1]', 'http://[0:0::1]:99'], ['http://[::2]']],
    ['10.0.0.1', ['http://10.0.0.1', 'http://[::ffff:10.0.0.1]'], ['http://10.0.0.11']],
    ['example.com:8080', ['http://example.com:8080'], ['http://example.com']],
    ['10.0.0.0/8:443', ['https://10.0.0.1'], ['http://10.0.0.1']],
    ['[::1]:443', ['https://[::1]'], ['http://[::1]']],
    ['a.lan, b.lan\tc.lan', ['http://a.lan', 'http://b.lan', 'http://c.lan'], ['http://d.lan']],
  ])('"%s" excepts what it says, and nothing else', (list, excepted, others) => {
    for (const url of excepted) expect([url, isExcepted(url, list)]).toEqual([url, true]);
    for (const url of others) expect([url, isExcepted(url, list)]).toEqual([url, false]);
  });

  test.each(['10.0.0.0/33', '10/8', '10.0.0.0/', 'fd00::/129'])(
    'is refused with a network that is none: %s',
    (list) => {
      expect(() => isExcepted('http://10.0.0.1', list)).toThrow(`NO_PROXY in the environment has "${list}"`);
    },
  );
});
