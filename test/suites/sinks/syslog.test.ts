import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import type { SyslogSinkOptions } from '../../../src/sinks/syslog/options.ts';
import { syslogSink } from '../../../src/sinks/syslog/sink.ts';
import { deliveryFrom, entry } from '../../support/notification.ts';
import { startRsyslog, type TestRsyslog } from '../../support/rsyslog.ts';
import { syslogOptions } from '../../support/syslog.ts';
import { until } from '../../support/until.ts';

const { signal } = new AbortController();
const context = { route: 'r', log: pino({ level: 'silent' }) };
let server: TestRsyslog;
let sink: Sink | undefined;
let count = 0;

beforeAll(async () => {
  server = await startRsyslog();
});
afterAll(() => server.close());
afterEach(async () => {
  await sink?.close();
  sink = undefined;
});

describe.each(['tcp', 'udp', 'unix'])('rsyslog, over %s', (protocol) => {
  const open = async (options: Partial<SyslogSinkOptions> = {}) => {
    const url = protocol === 'unix' ? `unix://${server.socket}` : `${protocol}://127.0.0.1:${server.port}`;
    sink = await syslogSink.open({ ...syslogOptions, url, ...options }, context);
    return sink;
  };

  test('understands each part of a message', async () => {
    const [hostile] = deliveries(1, { data: { name: 'ein "Name" ] \\ \n ü 💥 \u202e' }, accountId: 'a"]\\' });
    await (await open({ facility: 'local3', severity: 'notice' })).deliver([hostile], signal);
    const [message] = await understood([hostile.header.id]);
    expect(message).toMatchObject({
      facility: 'local3',
      severity: 'notice',
      timestamp: '2023-11-14T22:13:20.000Z',
      hostname: 'relay1',
      app: 'kazoo-relay',
      msgid: 'low_balance',
      msg: hostile.json,
    });
    expect(message?.data).toContain(` account_id="a\\"\\]\\\\" zone="west"`);
  });

  test('has each of many messages once', async () => {
    // Of UDP, what doesn't fit into the receiver's buffer is lost.
    const batch = deliveries(protocol === 'udp' ? 50 : 1_000);
    expect(new Set(await (await open()).deliver(batch, signal))).toEqual(new Set([{ status: 'delivered' }]));
    const ids = batch.map(({ header }) => header.id);
    expect((await understood(ids)).map(idOf).sort()).toEqual(ids.sort());
  });

  test('takes them again after it was away', async () => {
    const opened = await open();
    await opened.deliver(deliveries(1), signal);
    await server.stop();
    const refused = until(
      () =>
        opened.deliver(deliveries(1), signal).then(
          () => undefined,
          (error) => error,
        ),
      {
        what: 'it to be away',
      },
    );
    expect(await refused).toBeInstanceOf(SinkUnavailable);
    await server.start();
    const [back] = deliveries(1);
    await until(() => opened.deliver([back], signal).catch(() => undefined), { what: 'it to be back' });
    expect(await understood([back.header.id])).toHaveLength(1);
  });

  test('says what is wrong in the connection test, and what is right', async () => {
    const url = protocol === 'unix' ? `unix://${server.socket}` : `${protocol}://127.0.0.1:${server.port}`;
    expect(await syslogSink.connectionTest({ ...syslogOptions, url }, context)).toContain(url);
    const nowhere = protocol === 'unix' ? 'unix:///nowhere' : `${protocol}://nowhere.invalid:1`;
    await expect(syslogSink.connectionTest({ ...syslogOptions, url: nowhere }, context)).rejects.toThrow(
      `${nowhere} can't be reached`,
    );
  });
});

function deliveries(most: number, parts: Parameters<typeof entry>[0] = {}) {
  return Array.from({ length: most }, () => {
    count += 1;
    return deliveryFrom(entry({ id: `id-${count}`, ...parts }));
  }) as [ReturnType<typeof deliveryFrom>, ...ReturnType<typeof deliveryFrom>[]];
}

async function understood(ids: readonly string[]) {
  const wanted = new Set(ids);
  const found = () => server.understood().filter((message) => wanted.has(idOf(message)));
  await until(() => found().length >= ids.length, { what: 'the messages' });
  return found();
}

function idOf({ data }: { readonly data: string }): string {
  return / id="([^"]+)"/.exec(data)?.[1] ?? '';
}
