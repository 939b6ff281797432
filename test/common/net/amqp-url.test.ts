import { describe, expect, test } from '@jest/globals';
import { parametersOf } from '../../../src/common/net/amqp-url.ts';

const read = (query: string, protocol = 'amqps') => parametersOf(new URL(`${protocol}://h:5671/v?${query}`));

describe('the parameters of a broker’s URL', () => {
  test.each<[query: string, meaning: object]>([
    ['', {}],
    ['heartbeat=30', { heartbeat: 30 }],
    ['heartbeat=0', { heartbeat: 0 }],
    ['heartbeat=5&heartbeat=9', { heartbeat: 5 }],
    ['connection_timeout=2500', { connectTimeout: 2_500 }],
    ['frame_max=8192&channel_max=64', { frameMax: 8_192, channelMax: 64 }],
    ['frameMax=0&channelMax=0', { frameMax: 0, channelMax: 0 }],
    ['cacertfile=/a.pem&certfile=/b%20c.pem&keyfile=/d', { ca: '/a.pem', cert: '/b c.pem', key: '/d' }],
    ['server_name_indication=mq.lan', { serverName: 'mq.lan' }],
    ['verify=verify_peer&fail_if_no_peer_cert=true', { verify: true }],
    ['verify=verify_none', { verify: false }],
    ['auth_mechanism=plain&locale=en_US', {}],
  ])('are honoured: %s', (query, meaning) => {
    expect(read(query)).toEqual(meaning);
  });

  test.each<[query: string, reason: string]>([
    ['hartbeat=30', 'has the parameter hartbeat; there are heartbeat, connection_timeout,'],
    ['depth=2', 'has the parameter depth; there are'],
    ['password=geheim', 'has the parameter password; there are'],
    ['heartbeat=ten', 'has the parameter heartbeat, which must be 0 or a whole number from 1 to 3600'],
    ['connection_timeout=0', 'has the parameter connection_timeout, which must be a whole number from 1'],
    ['frame_max=100', 'has the parameter frame_max, which must be 0 or a whole number from 4096'],
    ['cacertfile=', 'has the parameter cacertfile, which must be the path of a file'],
    ['certfile=/a', 'needs certfile and keyfile, or neither'],
    ['verify=none', 'has the parameter verify, which must be verify_peer or verify_none'],
    ['auth_mechanism=external', 'has the parameter auth_mechanism, which must be plain'],
  ])('are refused where they can’t be: %s', (query, reason) => {
    expect(() => read(query)).toThrow(reason);
    expect(() => read(query)).not.toThrow('geheim');
  });

  test.each(['cacertfile=/a', 'verify=verify_peer'])('about TLS are refused without TLS: %s', (query) => {
    expect(() => read(query, 'amqp')).toThrow('which amqp:// does not use; TLS is amqps://');
  });
});
