import { Entry } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import { driftIn, hasDrift } from '../drift.ts';
import { headOf } from '../entry-head.ts';
import { bigintArray, byteaArray, smallintArray, storable, storableJson, textArray, uuidArray } from './arrays.ts';
import type { Queryable } from './connection.ts';

/** What an append has found. */
export interface Appended {
  /** The place before the first one that it gave. */
  readonly base: number;
  /** Of what was new, in the batch's order. */
  readonly fresh: readonly Entry[];
}

/**
 * Appends a batch with one call, which is one transaction.
 * @param origin the number of the daemon that has taken it
 * @param countsDrift whether what fits no schema is counted, as it is where that is found for the first time
 * @throws as `Queryable#query`: then the batch may be there all the same, and falls out when it comes again
 */
export async function append(
  database: Queryable,
  origin: number,
  batch: readonly Notification[],
  { countsDrift = true } = {},
): Promise<Appended> {
  const [row] = await database.query<AppendRow>(call, parametersOf(origin, batch, countsDrift));
  const { base = 0, dups = [], resends = [], originals = [] } = row ?? {};
  const had = new Set(dups);
  const firsts = new Map(resends.map((place, index) => [place, originals[index] ?? null]));
  const fresh: Entry[] = [];
  for (const [index, notification] of batch.entries()) {
    if (had.has(index + 1)) continue;
    fresh.push(new Entry(base + fresh.length + 1, firsts.get(index + 1) ?? null, notification));
  }
  return { base, fresh };
}

interface AppendRow {
  readonly base: number;
  /** Places in the batch, from 1. */
  readonly dups: readonly number[];
  readonly resends: readonly number[];
  readonly originals: readonly string[];
}

const types = [
  ...['integer', 'uuid[]', 'bigint[]', 'bigint[]', 'text[]', 'text[]', 'uuid[]'],
  ...['smallint[]', 'text[]', 'text[]', 'text[]', 'bytea[]', 'jsonb'],
];
const call = `SELECT * FROM append(${types.map((type, index) => `$${index + 1}::${type}`).join(', ')})`;

function parametersOf(origin: number, batch: readonly Notification[], countsDrift: boolean): unknown[] {
  return [
    origin,
    uuidArray(batch.map(({ header }) => header.id)),
    bigintArray(batch.map(({ header }) => header.receivedAt)),
    bigintArray(batch.map(({ header }) => header.occurredAt)),
    textArray(batch.map(({ header }) => header.event && storable(header.event))),
    textArray(batch.map(({ header }) => header.accountId && storable(header.accountId))),
    uuidArray(batch.map(occurrenceOf)),
    smallintArray(batch.map(rankOf)),
    textArray(batch.map((notification) => (notification.state === 'undecodable' ? reasonOf(notification) : null))),
    textArray(batch.map((notification) => headOf(notification, null))),
    textArray(batch.map(({ json }) => json)),
    byteaArray(batch.map(({ raw }) => raw)),
    countsDrift ? driftOf(batch) : null,
  ];
}

/**
 * Whether it can be appended again: the lock is free, and whoever confirms commits confirms one. The call of a daemon that is
 * stopped in the middle of it holds the lock, and says nothing any more: it is ended.
 */
export async function probeAppends(within: Queryable): Promise<void> {
  await within.query(endSilent);
  await within.query("SELECT lock_for('append'), pg_logical_emit_message(true, 'kazoo-relay', '')");
}

/** The lock as `lock_for` takes it; whoever waits for a standby, or works, is left alone. */
const endSilent = `
  SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
  WHERE locktype = 'advisory' AND granted AND classid = 'appends'::regclass::oid AND objid = 1 AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND wait_event = 'ClientRead' AND xact_start < clock_timestamp() - interval '2 s' AND pid <> pg_backend_pid()`;

/**
 * By what a resend is known, as a UUID: a time of its own, and ten characters of its fingerprint. Null for what can't be one.
 */
function occurrenceOf({ ownTime, fingerprint }: Notification): string | null {
  if (ownTime === null) return null;
  const time = Math.min(Math.max(ownTime, 0), 2 ** 48 - 1);
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(time, 0, 6);
  bytes.write(fingerprint, 6, 10, 'latin1');
  return bytes.toString('hex');
}

/** In which order what isn't valid makes way: as `kinds` has them. */
function rankOf({ state, header }: Notification): number | null {
  if (state === 'valid') return null;
  return state === 'undecodable' ? 0 : header.known ? 2 : 1;
}

function reasonOf({ problems }: Notification): string {
  return storable(problems[0]?.message ?? 'undecodable');
}

/** What fits no schema, with its place in the batch; null where there is none. */
function driftOf(batch: readonly Notification[]): string | null {
  const found = batch.flatMap((notification, index) =>
    hasDrift(notification) ? driftIn(notification).map((kind) => ({ n: index + 1, ...kind })) : [],
  );
  if (found.length === 0) return null;
  return storableJson(found);
}
