import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { SinkUnavailable } from '../../../../src/sinks/sink.ts';
import { cli } from '../../../support/cli.ts';
import { configFolder } from '../../../support/config-folder.ts';
import {
  deliver,
  deliveries,
  deliveryOf,
  examineDatabase,
  openDatabaseSink,
  statuses,
} from '../../../support/database.ts';
import { deliverThroughKills } from '../../../support/kills.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { rounds } from '../../../support/runs.ts';
import { until } from '../../../support/until.ts';
import { keepsTheContract } from '../../contract/contract.ts';
import { tablePlace } from '../../contract/database.ts';
import { mysql as mysqlContract, mysqlWords } from '../../contract/mysql.ts';
import { behavesAsDatabase, newTable, passesRowsThatAreCut } from '../common.ts';
import { tellsIncompatibilities } from '../incompatibilities.ts';

const folder = configFolder();
let server: TestMariadb;

beforeAll(async () => {
  server = await startMariadb({ tls: true });
});

afterAll(() => server?.close());

behavesAsDatabase('MariaDB', {
  url: () => server.url,
  query: (sql) => server.query(sql),
  ownTable: (name) => `CREATE TABLE ${name} (id char(36) PRIMARY KEY, balance int CHECK (balance <= 100))`,
});

keepsTheContract(mysqlContract, () => tablePlace(server, mysqlWords));

tellsIncompatibilities('MariaDB', {
  url: () => server.url,
  query: (sql) => server.query(sql),
  demand: (table) => `ALTER TABLE ${table} ADD tenant varchar(20) NOT NULL`,
  mend: (table) => `ALTER TABLE ${table} ALTER tenant SET DEFAULT 'x'`,
  ownTable: (table, column) => `CREATE TABLE ${table} (id char(36) PRIMARY KEY, ${column})`,
  number: 'bigint',
  types: [
    ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal(30, 2)', 'float', 'double', 'year', 'boolean'],
    ...['date', 'datetime(3)', 'timestamp NULL', 'json', 'text', 'varchar(40)', 'uuid'],
  ],
  incompatible: 88,
});

describe('MariaDB in particular', () => {
  test('refuses a text that is too long, and a duplicate of another unique index, each alone', async () => {
    const table = newTable();
    await server.query(`CREATE TABLE ${table} (id char(36) PRIMARY KEY, caller varchar(5) UNIQUE)`);
    const columns = { id: 'id', caller: 'data.caller' };
    const sink = await openDatabaseSink({ url: server.url, table, columnsOnly: true, columns });
    const batch = ['a', 'toolong', 'b', 'a', 'c'].map((caller) => deliveryOf({ caller }));
    const expected = ['delivered', 'dead', 'delivered', 'dead', 'delivered'];
    expect(await statuses(deliver(sink, ...batch))).toEqual(expected);
    expect(await statuses(deliver(sink, ...batch))).toEqual(expected);
    expect(JSON.stringify(await deliver(sink, ...batch))).not.toContain('toolong');
  });

  test('counts no column as empty that something fills: a number of its own, an expression, an ENUM, a trigger', async () => {
    const [filled, triggered] = [newTable(), newTable()];
    await server.query(`
      CREATE TABLE ${filled} (id char(36) PRIMARY KEY, one int AUTO_INCREMENT UNIQUE, two timestamp NOT NULL DEFAULT now(),
        three enum('a', 'b') NOT NULL, four int AS (1) STORED, five text NOT NULL DEFAULT 'x');
      CREATE TABLE ${triggered} (id char(36) PRIMARY KEY, six int NOT NULL);
      CREATE TRIGGER fill_${triggered} BEFORE INSERT ON ${triggered} FOR EACH ROW SET NEW.six = 6`);
    for (const table of [filled, triggered]) {
      const options = { url: server.url, table, columnsOnly: true, columns: { id: 'id' } };
      expect(await examineDatabase(options)).toContain('as it must be');
      expect(await statuses(deliver(await openDatabaseSink(options), ...deliveries(1)))).toEqual(['delivered']);
    }
  });

  test('tries a table whose triggers this user may not see, and makes nothing a dead letter', async () => {
    const table = newTable();
    await server.query(`
      CREATE TABLE ${table} (id char(36) PRIMARY KEY, tenant int NOT NULL);
      CREATE USER blind@'127.0.0.1' IDENTIFIED BY 'x'; GRANT SELECT, INSERT ON notifications.* TO blind@'127.0.0.1'`);
    const url = server.url.replace('relay:geheim', 'blind:x');
    const options = { url, table, columnsOnly: true, columns: { id: 'id' } };
    expect(await examineDatabase(options)).toContain('as it must be');
    const sink = await openDatabaseSink(options);
    await expect(deliver(sink, ...deliveries(3))).rejects.toThrow(SinkUnavailable);
    await expect(deliver(sink, ...deliveries(3))).rejects.toThrow(/"tenant".* \(give it a DEFAULT/);
    await server.query(`CREATE TRIGGER fill_${table} BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.tenant = 1`);
    expect(await statuses(deliver(sink, ...deliveries(2)))).toEqual(['delivered', 'delivered']);
  });

  test('says beforehand where its table can not be made, and how to let this user', async () => {
    await server.query(`
      CREATE DATABASE others; CREATE ROLE maker; GRANT CREATE ON \`other_\`.* TO maker;
      CREATE USER poor@'127.0.0.1' IDENTIFIED BY 'x'; GRANT SELECT, INSERT ON notifications.* TO poor@'127.0.0.1'`);
    const options = { url: server.url.replace('relay:geheim', 'poor:x'), table: newTable() };
    await expect(examineDatabase(options)).rejects.toThrow(
      /lacks what can't be made: the table .*; this user may make nothing in the database notifications \(GRANT CREATE ON `notifications`\.\* TO …\)$/,
    );
    await expect(examineDatabase({ ...options, schema: 'others' })).rejects.toThrow(
      /; there is no database others, or this user may make nothing in it \(CREATE DATABASE, or GRANT CREATE ON `others`\.\* TO …\)$/,
    );
    const nowhere = options.url.replace('/notifications', '');
    await expect(examineDatabase({ ...options, url: nowhere })).rejects.toThrow(/no database is named/);
    await expect(examineDatabase({ url: server.url, schema: 'nope' })).rejects.toThrow(/there is no database nope$/);
    await expect(examineDatabase({ url: server.url.replace('/notifications', '/nope') })).rejects.toThrow(
      /^MariaDB at .*: Unknown database 'nope'$/,
    );
    await server.query("GRANT maker TO poor@'127.0.0.1'; SET DEFAULT ROLE maker FOR poor@'127.0.0.1'");
    expect(await examineDatabase({ ...options, schema: 'others' })).toContain('the daemon makes: the table');
    expect(await server.query(`SHOW TABLES FROM others`)).toEqual([]);
  });

  test('is unavailable while it is read-only, or somebody holds a lock, and comes back', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: server.url, table, statementTimeout: '1s' });
    const locker = await mysql.createConnection(server.url.replace('mariadb:', 'mysql:'));
    await locker.query(`LOCK TABLES ${table} WRITE`);
    await expect(deliver(sink, ...deliveries(1))).rejects.toThrow(SinkUnavailable);
    await locker.end();
    // The user of the tests may write even then: what counts is a server that says no.
    await server.query(
      "CREATE USER clerk@'127.0.0.1' IDENTIFIED BY 'x'; GRANT ALL ON notifications.* TO clerk@'127.0.0.1'",
    );
    const clerk = await openDatabaseSink({ url: server.url.replace('relay:geheim', 'clerk:x'), table });
    await server.query('SET GLOBAL read_only = 1');
    await expect(deliver(clerk, ...deliveries(1))).rejects.toThrow(/read-only/);
    await server.query('SET GLOBAL read_only = 0');
    expect(await statuses(deliver(clerk, ...deliveries(1)))).toEqual(['delivered']);
    expect(await statuses(deliver(sink, ...deliveries(1)))).toEqual(['delivered']);
  });

  test('tries deadlocks again at once, and waits where the disk is full, as the server says it', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: server.url, table });
    // What a sequence has given stays given when the statement fails: so the third try goes through.
    await server.query(`CREATE SEQUENCE tries_${table}`);
    await server.query(`
      CREATE TRIGGER raise_${table} BEFORE INSERT ON ${table} FOR EACH ROW BEGIN
        IF NEW.event = 'knotted' AND NEXTVAL(tries_${table}) < 3 THEN
          SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF;
        IF NEW.event = 'full' THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021; END IF;
      END`);
    expect(await statuses(deliver(sink, deliveryOf({}, { event: 'knotted' })))).toEqual(['delivered']);
    await expect(deliver(sink, deliveryOf({}, { event: 'full' }))).rejects.toThrow(SinkUnavailable);
    expect(await statuses(deliver(sink, ...deliveries(1)))).toEqual(['delivered']);
  });

  test('is not held up by a row that is larger than its max_allowed_packet, and says so beforehand', async () => {
    const table = newTable();
    await server.query('SET GLOBAL max_allowed_packet = 1048576');
    const sink = await openDatabaseSink({ url: server.url, table });
    const large = deliveryOf({ text: 'x'.repeat(1_020_000), more: '"'.repeat(40_000) });
    // It answers and cuts the connection: whether the answer arrives depends on how much is on its way by then.
    const answer = await until(() => deliver(sink, large).catch(() => undefined), { what: 'an answer that arrives' });
    expect(answer).toMatchObject([{ status: 'dead', code: 1153 }]);
    expect(await statuses(deliver(sink, ...deliveries(2)))).toEqual(['delivered', 'delivered']);
    const config = folder.write(
      'relay.yaml',
      `brokers: [{ zone: west, url: amqp://127.0.0.1:1 }]
journal: { path: FOLDER/journal }
routes: { table: { sink: { type: database, url: '${server.url}', table: ${table} } } }
`,
    );
    const { stdout } = await cli(['check', '--connect', '--config', config]);
    expect(stdout).toMatch(/^ok .* as it must be; but its max_allowed_packet of 1048576 bytes is too small/m);
    expect(await examineDatabase({ url: server.url, table }, { maxBodySize: 500_000 })).toMatch(/as it must be$/);
    await server.query('SET GLOBAL max_allowed_packet = 16777216');
  });

  test('sends no statement that is larger than half of its max_allowed_packet', async () => {
    await server.query('SET GLOBAL max_allowed_packet = 1048576');
    const sink = await openDatabaseSink({ url: server.url, table: newTable() });
    const statements = async () => {
      const [inserts] = await server.query("SHOW GLOBAL STATUS LIKE 'Com_insert'");
      return Number(inserts?.Value);
    };
    const before = await statements();
    const large = Array.from({ length: 6 }, () => deliveryOf({ text: 'x'.repeat(200_000) }));
    expect(await statuses(deliver(sink, ...large))).toEqual(large.map(() => 'delivered'));
    expect((await statements()) - before).toBe(3);
    await server.query('SET GLOBAL max_allowed_packet = 16777216');
  });

  passesRowsThatAreCut(() => server.url);

  test('hangs no values on its errors', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: server.url, table });
    await server.query(`DROP TABLE ${table}`);
    const failed = await deliver(sink, deliveryOf({ password: 'geheim' })).catch((error) => error);
    expect(failed).toBeInstanceOf(SinkUnavailable);
    expect(inspect(failed, { depth: 10 })).not.toContain('geheim');
  });

  test('tells no value in the words of another language, but the column', async () => {
    const table = newTable();
    await server.query("SET GLOBAL lc_messages = 'de_DE'");
    try {
      const sink = await openDatabaseSink({ url: server.url, table, columns: { balance: 'data.balance integer' } });
      const [outcome] = await deliver(sink, deliveryOf({ balance: "gehe'im" }));
      expect(outcome).toMatchObject({ status: 'dead', code: 1366 });
      expect(outcome).toMatchObject({
        reason: expect.stringMatching(/^a value is not of the type of its column \(1366, column "balance"\)$/),
      });
    } finally {
      await server.query("SET GLOBAL lc_messages = 'en_US'");
    }
  });

  test('has its certificate looked at as sslmode says', async () => {
    const byName = server.url.replace('127.0.0.1', 'localhost');
    const opened = (url: string, parameters: string) =>
      openDatabaseSink({ url: `${url}?${parameters}`, table: newTable() });
    const root = `sslrootcert=${server.folder}/certificate`;
    await opened(server.url, 'sslmode=require');
    await opened(server.url, `sslmode=verify-ca&${root}`);
    await opened(byName, `sslmode=verify-full&${root}`);
    await expect(opened(server.url, 'sslmode=verify-ca')).rejects.toThrow(/self-signed/);
  });

  test('holds each notification exactly once, however often the server is killed', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: server.url, table });
    const confirmed = await deliverThroughKills(sink, server, rounds(6));
    const rows = await server.query(`SELECT id FROM ${table}`);
    expect(confirmed.length).toBeGreaterThan(500);
    expect(rows.map(({ id }) => id).toSorted()).toEqual(confirmed.toSorted());
  });
});
