import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { closeSinks, deliver, deliveries, deliveryOf, openDatabaseSink, statuses } from '../../support/database.ts';
import { until } from '../../support/until.ts';

export interface DatabaseUnderTest {
  readonly url: () => string;
  readonly query: (sql: string) => Promise<Record<string, unknown>[]>;
  /** An operator's own table: `id`, unique, and `balance`, at most 100 by a constraint. */
  readonly ownTable: (name: string) => string;
}

let tables = 0;

/** A name that no test has used before. */
export function newTable(): string {
  tables += 1;
  return `notifications_${tables}`;
}

/** What every database has in common. */
export function behavesAsDatabase(name: string, { url, query, ownTable }: DatabaseUnderTest): void {
  const open = (options: object, logged?: string[]) => openDatabaseSink({ url: url(), ...options }, logged);
  const count = async (table: string) => Number((await query(`SELECT count(*) AS n FROM ${table}`))[0]?.n);

  afterEach(closeSinks);

  describe(`the database sink with ${name}`, () => {
    test('makes its table and stores what the envelope says', async () => {
      const table = newTable();
      const one = deliveryOf(
        { event_name: 'low_balance', text: 'Grüße 🐘 \'"\\' },
        { problems: [{ path: '/to', message: 'is "odd"', keyword: 'type' }], state: 'invalid' },
      );
      expect(await statuses(deliver(await open({ table }), one))).toEqual(['delivered']);
      const [row] = await query(`SELECT * FROM ${table}`);
      expect(row).toMatchObject({
        id: one.header.id,
        event: 'low_balance',
        category: 'account',
        account_id: 'a1',
        zone: 'west',
        node: 'kazoo_apps@apps1.example.com',
      });
      expect(json(row?.data)).toEqual(one.envelope.data);
      expect(json(row?.problems)).toEqual(one.envelope.problems);
      expect(Boolean(row?.valid)).toBe(false);
      expect(instant(row?.occurred_at)).toBe('2023-11-14T22:13:20.000Z');
      expect(instant(row?.received_at)).toBe('2023-11-14T22:13:20.500Z');
    });

    test('stores a body that could not be decoded', async () => {
      const table = newTable();
      const parts = { event: null, category: null, accountId: null, node: null, data: null, json: 'null' };
      const sink = await open({ table });
      expect(await statuses(deliver(sink, deliveryOf({}, { ...parts, state: 'undecodable' })))).toEqual(['delivered']);
      expect(await query(`SELECT event, data FROM ${table}`)).toEqual([{ event: null, data: null }]);
    });

    test('stores the same id once, in one batch, in two, and from two sinks at a time', async () => {
      const table = newTable();
      const [one, other] = [await open({ table }), await open({ table })];
      const batch = deliveries(50);
      await Promise.all([deliver(one, ...batch, ...batch), deliver(other, ...batch.toReversed())]);
      expect(await statuses(deliver(one, ...batch, ...deliveries(1)))).toEqual(Array(51).fill('delivered'));
      expect(await count(table)).toBe(51);
    });

    test('lets two daemons that start at once make the table together', async () => {
      const table = newTable();
      const sinks = await Promise.all([1, 2, 3, 4].map(() => open({ table, columns: { caller: 'data.caller' } })));
      await Promise.all(sinks.map((sink) => deliver(sink, ...deliveries(5))));
      expect(await count(table)).toBe(20);
    });

    test('stores NUL characters and half surrogate pairs in JSON as U+FFFD, and flags the row', async () => {
      const table = newTable();
      const sink = await open({ table });
      const odd = deliveryOf({ 'a\0b': 'x\0\0y', half: 'a\ud83d', honest: '\\u0000', deep: [{ text: '\\\0' }] });
      expect(await statuses(deliver(sink, odd, ...deliveries(1)))).toEqual(['delivered', 'delivered']);
      const [row] = await query(`SELECT data, problems FROM ${table} WHERE id = '${odd.header.id}'`);
      expect(json(row?.data)).toEqual({
        'a\ufffdb': 'x\ufffd\ufffdy',
        half: 'a\ufffd',
        honest: '\\u0000',
        deep: [{ text: '\\\ufffd' }],
      });
      expect(json(row?.problems)).toMatchObject([{ keyword: 'nul' }]);
    });

    test('gives a batch as many statements as its size needs', async () => {
      const table = newTable();
      const batch = Array.from({ length: 12 }, (_, n) => deliveryOf({ n, html: "'\\".repeat(500_000) }));
      expect(await statuses(deliver(await open({ table }), ...batch))).toEqual(Array(12).fill('delivered'));
      expect(await count(table)).toBe(12);
    });

    test('fills columns of the operator’s choice, and adds them to a table that is there', async () => {
      const table = newTable();
      await deliver(await open({ table }), ...deliveries(1));
      const columns = {
        caller: 'data.caller.number',
        balance: 'data.current_balance integer',
        amount: 'data.amount number',
        success: 'data.success boolean',
        said_at: 'data.timestamp timestamp',
        extra: 'data.extra json',
        recipient: 'data.to.1 text',
      };
      const sink = await open({ table, columns });
      const data = {
        caller: { number: '+15551234' },
        current_balance: -25_000,
        amount: 12.5,
        success: 'true',
        timestamp: 63_724_414_024,
        extra: ['a', { b: 1 }],
        to: ['a@example.com', 'b@example.com'],
      };
      const full = deliveryOf(data);
      expect(await statuses(deliver(sink, full, deliveryOf({ caller: 'nobody' })))).toEqual(['delivered', 'delivered']);
      const [row] = await query(`SELECT * FROM ${table} WHERE id = '${full.header.id}'`);
      expect(row?.caller).toBe('+15551234');
      expect(Number(row?.balance)).toBe(-25_000);
      expect(Number(row?.amount)).toBe(12.5);
      expect(Boolean(row?.success)).toBe(true);
      expect(instant(row?.said_at)).toBe('2019-05-07T02:07:04.000Z');
      expect(json(row?.extra)).toEqual(['a', { b: 1 }]);
      expect(row?.recipient).toBe('b@example.com');
      expect(await count(`${table} WHERE caller IS NULL`)).toBe(2);
    });

    test('takes each form in which KAZOO’s versions send a field', async () => {
      const table = newTable();
      const columns = {
        amount: 'data.amount number',
        success: 'data.success boolean',
        words: 'data.voicemail_transcription',
        spoken: 'data.voicemail_transcription.text',
        notify: 'data.notify json',
        cause: 'data.notify.length',
      };
      const answer = { result: 'success', text: 'Hi' };
      const forms = [
        { amount: 25.5, success: true, voicemail_transcription: 'Hi', notify: { length: 'long' } },
        { amount: '25.50', success: 'true', voicemail_transcription: answer, notify: [] },
      ].map((data) => deliveryOf(data));
      expect(await statuses(deliver(await open({ table, columns }), ...forms))).toEqual(['delivered', 'delivered']);
      const rows = await query(`SELECT * FROM ${table} ORDER BY cause IS NULL`);
      expect(rows.map(({ amount, success }) => [Number(amount), Boolean(success)])).toEqual(
        Array(2).fill([25.5, true]),
      );
      expect(rows.map(({ words }) => words)).toEqual(['Hi', JSON.stringify(answer)]);
      expect(rows.map(({ spoken, cause }) => [spoken, cause])).toEqual([
        [null, 'long'],
        ['Hi', null],
      ]);
      expect(rows.map(({ notify }) => json(notify))).toEqual([{ length: 'long' }, []]);
    });

    test('has a value that its column can’t hold refused, and never tells the value', async () => {
      const table = newTable();
      const sink = await open({ table, columns: { balance: 'data.balance integer' } });
      const [bad, good] = await deliver(sink, deliveryOf({ balance: 'geheim' }), deliveryOf({ balance: '7' }));
      expect(good).toEqual({ status: 'delivered' });
      expect(bad).toMatchObject({ status: 'dead' });
      expect(JSON.stringify(bad)).not.toContain('geheim');
      const [huge] = await deliver(sink, deliveryOf({ balance: '99999999999999999999' }));
      expect(huge).toMatchObject({ status: 'dead' });
      expect(JSON.stringify(huge)).not.toContain('99999');
      for (const outcome of [bad, huge])
        expect(outcome).toMatchObject({ reason: expect.stringMatching(/^[\w ’,]+ \([\w", ]+\)$/) });
    });

    test('stores into an operator’s own table, and changes nothing about it', async () => {
      const table = newTable();
      await query(ownTable(table));
      const options = { table, columnsOnly: true, columns: { id: 'id', balance: 'data.balance integer' } };
      const sink = await open(options);
      const batch = [1, 1000, 2].map((balance) => deliveryOf({ balance }));
      expect(await statuses(deliver(sink, ...batch))).toEqual(['delivered', 'dead', 'delivered']);
      await deliver(sink, ...batch);
      expect(await count(table)).toBe(2);
      const missing = open({ ...options, columns: { ...options.columns, caller: 'data.caller' } });
      await expect(missing).rejects.toThrow(/this is missing.*the column caller/);
    });

    test('wants the id of an own table to be unique', async () => {
      const table = newTable();
      await query(`CREATE TABLE ${table} (id varchar(36))`);
      const sink = open({ table, columnsOnly: true, columns: { id: 'id' } });
      await expect(sink).rejects.toThrow('a unique index on exactly (id)');
    });

    test('changes nothing where it may not, and says what is missing', async () => {
      const table = newTable();
      const options = { table, migrate: false };
      await expect(open(options)).rejects.toThrow(SinkUnavailable);
      await expect(open(options)).rejects.toThrow(
        /this is missing and can't be made by the daemon: the table .*"database schema" prints the SQL/,
      );
      await deliver(await open({ table }), ...deliveries(1));
      await deliver(await open(options), ...deliveries(1));
      await expect(open({ ...options, columns: { caller: 'data.caller' } })).rejects.toThrow('the column caller');
      expect(await count(table)).toBe(2);
    });

    test('leaves a table alone that only has its name', async () => {
      const table = newTable();
      await query(`CREATE TABLE ${table} (name varchar(10))`);
      await expect(open({ table })).rejects.toThrow(/this is missing and can't be made by the daemon: the column id/);
      expect(Object.keys((await query(`SELECT count(*) AS n, max(name) AS name FROM ${table}`))[0] ?? {})).toHaveLength(
        2,
      );
    });

    test('deletes what is older than the retention, in small steps, and nothing else', async () => {
      const table = newTable();
      const sink = await open({ table });
      const old = (count: number) =>
        Array.from({ length: count }, () => deliveryOf({}, { occurredAt: Date.now() - 181 * 86_400_000 }));
      const young = deliveryOf({}, { occurredAt: Date.now() - 179 * 86_400_000 });
      await deliver(sink, ...old(1_500), young, deliveryOf({}, { occurredAt: Date.now() }));
      await deliver(sink, ...old(1_000));
      await open({ table, retention: '180d' });
      await until(async () => (await count(table)) === 2, { what: 'the old rows to be deleted' });
      expect(await count(`${table} WHERE id = '${young.header.id}'`)).toBe(1);
    });

    test('comes back by itself when its table was lost', async () => {
      const table = newTable();
      const sink = await open({ table });
      await deliver(sink, ...deliveries(2));
      await query(`DROP TABLE ${table}`);
      await expect(deliver(sink, ...deliveries(2))).rejects.toThrow(SinkUnavailable);
      expect(await statuses(deliver(sink, ...deliveries(3)))).toEqual(Array(3).fill('delivered'));
      expect(await count(table)).toBe(3);
    });
  });
}

/** Some databases give JSON as text. */
function json(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value;
}

/** A time as the database's library gives it; a text is in UTC. */
function instant(value: unknown): string {
  return value instanceof Date ? value.toISOString() : new Date(String(value)).toISOString();
}

/** Over a network in which each row with "cut me" in it ends the connection, as a server does that can't take a row. */
export function passesRowsThatAreCut(url: () => string): void {
  test('is not held up by a row for which the connection is cut, while the server is there', async () => {
    const sockets = new Set<Socket>();
    const cutter = createServer((client) => {
      const upstream = connect(Number(new URL(url()).port), '127.0.0.1');
      for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
      client.on('data', (chunk) => (chunk.includes('cut me') ? client.resetAndDestroy() : upstream.write(chunk)));
      client.on('close', () => upstream.destroy());
      upstream.pipe(client);
    }).listen(0, '127.0.0.1');
    await once(cutter, 'listening');
    const through = new URL(url());
    through.port = String((cutter.address() as AddressInfo).port); // it listens on TCP
    through.searchParams.set('sslmode', 'disable');
    const sink = await openDatabaseSink({ url: through.href, table: newTable() });
    const poison = deliveryOf({ text: 'cut me' });
    // By itself it says nothing of the server, so another one is tried.
    await expect(deliver(sink, poison)).rejects.toMatchObject({ name: 'SinkUnavailable', unsure: true });
    const [first, second] = deliveries(2);
    if (first === undefined || second === undefined) throw new Error('there are two');
    expect(await deliver(sink, first, poison, second)).toMatchObject([
      { status: 'delivered' },
      { status: 'retry', away: true, reason: expect.stringContaining('though the server is there') },
      { status: 'delivered' },
    ]);
    // Then it is its own fault, which ends in a dead letter, and holds up nobody.
    expect(await statuses(deliver(sink, poison))).toEqual(['retry']);
    // Unless the server is gone when it was cut, which then says nothing of the row.
    expect(await statuses(deliver(sink, first))).toEqual(['delivered']);
    cutter.close();
    await expect(deliver(sink, poison)).rejects.toMatchObject({ name: 'SinkUnavailable' });
    for (const socket of sockets) socket.destroy();
  });
}
