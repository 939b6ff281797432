import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { deletedAtOnce, type Grammar, pauseBetween } from './dialect.ts';
import type { Transaction } from './postgres-database.ts';
import { list, qualified } from './schema.ts';
import type { Table } from './table.ts';

interface Tidying {
  readonly table: Table;
  readonly grammar: Grammar;
  /** Unix milliseconds; what occurred earlier goes. Undefined: nothing goes. */
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
export async function tidy(tidying: Tidying): Promise<void> {
  const { table, cutoff, mayChange } = tidying;
  if (table.partitioned && mayChange) {
    await makePartitions(tidying);
    if (cutoff !== undefined) await dropPartitions(tidying, cutoff);
  }
  if (cutoff !== undefined) await deleteRows(tidying, cutoff);
}

/** Months beside the current one that have their partition ahead of time. */
const monthsAhead = 3;

/** How far back a row may lie that a partition of its own is made for, where nothing is ever dropped: ten years. */
const farthestBack = 10 * 366 * 86_400_000;

/** The default partition, where rows go that no other one takes, and those of the months to come. */
export function aheadStatements(table: Table, grammar: Grammar): readonly string[] {
  const name = qualified(table, grammar);
  const rest = qualified(defaultOf(table), grammar);
  return [
    `CREATE TABLE ${rest} PARTITION OF ${name} DEFAULT`,
    ...monthsToCome().map((month) => {
      const part = qualified(partitionOf(table, month), grammar);
      return `CREATE TABLE ${part} PARTITION OF ${name} ${boundsOf(month)}`;
    }),
  ];
}

async function makePartitions(tidying: Tidying): Promise<void> {
  const { table, grammar, transaction } = tidying;
  const oldest = tidying.cutoff ?? Date.now() - farthestBack;
  const strays = await transaction(async (client) => {
    const { rows } = await client.query<{ month: string }>(
      `SELECT DISTINCT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month
       FROM ${qualified(defaultOf(table), grammar)} WHERE occurred_at >= $1 AND occurred_at < now()`,
      [new Date(oldest).toISOString()],
    );
    return rows.map(({ month }) => month);
  });
  for (const month of new Set([...monthsToCome(), ...strays])) await makePartition(tidying, month);
}

/**
 * Makes a month's partition. Rows of that month that are in the default partition, because they came from far away,
 * move into it: PostgreSQL would refuse a partition beside them.
 */
async function makePartition({ table, grammar, log, transaction }: Tidying, month: string): Promise<void> {
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
    log.info({ partition: partition.name }, 'made a partition');
  });
}

async function dropPartitions({ table, grammar, log, transaction }: Tidying, cutoff: number): Promise<void> {
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
    log.info({ partition: name }, 'dropped an old partition');
  }
}

async function deleteRows({ table, grammar, signal, transaction }: Tidying, cutoff: number): Promise<void> {
  const key = list(table.key, grammar);
  const name = qualified(table, grammar);
  for (;;) {
    const deleted = await transaction((client) =>
      client.query(
        `DELETE FROM ${name} WHERE (${key}) IN (SELECT ${key} FROM ${name} WHERE occurred_at < $1 LIMIT ${deletedAtOnce})
         AND occurred_at < $1`,
        [new Date(cutoff).toISOString()],
      ),
    );
    if ((deleted.rowCount ?? 0) < deletedAtOnce) return;
    await delay(pauseBetween, undefined, { signal });
  }
}

async function exists(client: Transaction, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name]);
  return rows[0]?.there === true;
}

/** Months are written `2026-11`, and are those of UTC. */
function monthsToCome(): string[] {
  const now = new Date();
  return Array.from({ length: monthsAhead + 1 }, (_, ahead) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead)).toISOString().slice(0, 7),
  );
}

/** A month's first moment, and that of the next one. */
function limitsOf(month: string): [string, string] {
  const first = new Date(`${month}-01T00:00:00Z`);
  return [first.toISOString(), new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1)).toISOString()];
}

function boundsOf(month: string): string {
  const [from, to] = limitsOf(month);
  return `FOR VALUES FROM ('${from}') TO ('${to}')`;
}

function defaultOf({ schema, name }: Table): Pick<Table, 'schema' | 'name'> {
  return { schema, name: `${name}_default` };
}

/** `notifications_y2026m11` */
function partitionOf({ schema, name }: Table, month: string): Pick<Table, 'schema' | 'name'> {
  return { schema, name: `${name}_y${month.replace('-', 'm')}` };
}

/** The month of a partition of ours; undefined for one that somebody else has made. */
function monthOf({ name }: Table, partition: string): string | undefined {
  const [, year, month] = /_y(\d{4})m(\d{2})$/.exec(partition) ?? [];
  return year !== undefined && partition === `${name}_y${year}m${month}` ? `${year}-${month}` : undefined;
}
