import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messages } from '../../../common/messages.ts';
import { deleteBatchSize, deletePause } from '../dialect.ts';
import { identifierList, qualified } from '../schema.ts';
import type { Table } from '../table.ts';
import { boundsOf, defaultOf, grammar, limitsOf, monthOf, monthsToCome, partitionOf } from './grammar.ts';
import type { Transaction } from './statements.ts';

interface Maintenance {
  readonly table: Table;
  /** Unix milliseconds; earlier rows are removed. Undefined: none are. */
  readonly cutoff: number | undefined;
  readonly signal: AbortSignal;
  /** Whether partitions may be made and dropped, or rows only deleted. */
  readonly mayChange: boolean;
  readonly log: Logger;
  readonly transaction: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;
}

/**
 * Makes the partitions of the months to come, and of rows that found none; drops old ones; deletes old rows elsewhere.
 */
export async function maintain(maintenance: Maintenance): Promise<void> {
  const { table, cutoff, mayChange } = maintenance;
  if (table.partitioned && mayChange) {
    await makePartitions(maintenance);
    if (cutoff !== undefined) await dropPartitions(maintenance, cutoff);
  }
  if (cutoff !== undefined) await deleteRows(maintenance, cutoff);
}

/** How far back a row may lie that a partition of its own is made for, where nothing is ever dropped: ten years. */
const farthestBack = 10 * 366 * 86_400_000;

async function makePartitions(maintenance: Maintenance): Promise<void> {
  const { table, transaction } = maintenance;
  const oldest = maintenance.cutoff ?? Date.now() - farthestBack;
  const strays = await transaction(async (client) => {
    const { rows } = await client.query<{ month: string }>(
      `SELECT DISTINCT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month
       FROM ${qualified(defaultOf(table), grammar)} WHERE occurred_at >= $1 AND occurred_at < now()`,
      [new Date(oldest).toISOString()],
    );
    return rows.map(({ month }) => month);
  });
  for (const month of new Set([...monthsToCome(), ...strays])) await makePartition(maintenance, month);
}

/**
 * Makes a month's partition. Rows of that month that are in the default partition, because they came from far away,
 * move into it: PostgreSQL would refuse a partition beside them.
 */
async function makePartition({ table, log, transaction }: Maintenance, month: string): Promise<void> {
  const partition = partitionOf(table, month);
  const part = qualified(partition, grammar);
  await transaction(async (client) => {
    if (await exists(client, part)) return;
    const name = qualified(table, grammar);
    const [from, to] = limitsOf(month);
    // A lock on the whole table, from the start: two daemons would otherwise wait for each other further down.
    await client.query(`LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`);
    if (await exists(client, part)) return;
    await client.query(`CREATE TABLE ${part} (LIKE ${name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
    await client.query(
      `WITH moved AS (DELETE FROM ${qualified(defaultOf(table), grammar)}
         WHERE occurred_at >= '${from}' AND occurred_at < '${to}' RETURNING *)
       INSERT INTO ${part} SELECT * FROM moved`,
    );
    await client.query(`ALTER TABLE ${name} ATTACH PARTITION ${part} ${boundsOf(month)}`);
    log.info({ partition: partition.name }, messages.partitionMade);
  });
}

async function dropPartitions({ table, log, transaction }: Maintenance, cutoff: number): Promise<void> {
  const names = await transaction(async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = to_regclass($1)',
      [qualified(table, grammar)],
    );
    return rows.map(({ name }) => name);
  });
  for (const name of names) {
    const month = monthOf(table, name);
    if (month === undefined || Date.parse(limitsOf(month)[1]) > cutoff) continue;
    await transaction((client) => client.query(`DROP TABLE IF EXISTS ${qualified({ ...table, name }, grammar)}`));
    log.info({ partition: name }, messages.partitionDropped);
  }
}

async function deleteRows({ table, signal, transaction }: Maintenance, cutoff: number): Promise<void> {
  const key = identifierList(table.key, grammar);
  const name = qualified(table, grammar);
  for (;;) {
    const deleted = await transaction((client) =>
      client.query(
        `DELETE FROM ${name} WHERE (${key}) IN (SELECT ${key} FROM ${name} WHERE occurred_at < $1 LIMIT ${deleteBatchSize})
         AND occurred_at < $1`,
        [new Date(cutoff).toISOString()],
      ),
    );
    if ((deleted.rowCount ?? 0) < deleteBatchSize) return;
    await delay(deletePause, undefined, { signal });
  }
}

async function exists(client: Transaction, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name]);
  return rows[0]?.there === true;
}
