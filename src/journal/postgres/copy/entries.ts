import type { CopySource, Placed } from '../../folder-journals.ts';
import type { Copying } from '../../journal.ts';
import { append } from '../append.ts';
import type { Database } from '../connection.ts';
import { addRanges, headOf, rangesOf } from '../log-ranges.ts';
import { type Places, placesOf } from './places.ts';

/** How many are appended at a time. */
const batchSize = 500;

/** Copies those that the database hasn't yet, in their order. */
export async function copyEntries(
  database: Database,
  source: CopySource,
  places: Places,
  { limits, name }: Pick<Copying, 'limits'> & { readonly name: string },
  tell: (count: number) => void,
): Promise<void> {
  const origin = await numberOf(database, name);
  let ending = 0;
  let count = 0;
  for (let seq = 0; ; ) {
    const read = source.read(seq, batchSize);
    const last = read.at(-1);
    if (last === undefined) return;
    seq = last.seq;
    count += read.length;
    const missing = read.filter((one) => places.of(one.seq) === null);
    if (missing.length > 0) {
      if ((await headOf(database)) + missing.length >= ending) {
        await addRanges(database, limits, missing.length);
        ending = (await rangesOf(database)).at(-1)?.ending ?? 0;
      }
      await copySome(database, origin, missing, places);
    }
    tell(count);
  }
}

async function copySome(database: Database, origin: number, some: readonly Placed[], places: Places): Promise<void> {
  const batch = some.map(({ notification }) => notification);
  // What was found in them is counted already, and its sums are copied.
  const { fresh } = await append(database, origin, batch, { countsDrift: false });
  const byId = new Map(fresh.map((entry) => [entry.header.id, entry]));
  const [resends, undecodable]: [{ place: number; original: string }[], number[]] = [[], []];
  for (const { seq, resendOf, notification } of some) {
    const entry = byId.get(notification.header.id);
    if (entry === undefined) continue;
    places.set(seq, entry.seq);
    if (resendOf !== null && entry.resendOf !== resendOf) resends.push({ place: entry.seq, original: resendOf });
    if (entry.state === 'undecodable') undecodable.push(entry.seq);
  }
  const others = some.filter(({ seq }) => places.of(seq) === null);
  const found = await placesOf(
    database,
    others.map(({ notification }) => notification.header.id),
  );
  for (const [index, { seq }] of others.entries()) places.set(seq, found.get(index) ?? 0);
  await markResends(database, resends);
  // An operator may have dropped what can't be decoded: its records are copied as they are.
  if (undecodable.length > 0)
    await database.query("DELETE FROM deliveries WHERE route = '' AND seq = ANY ($1::bigint[])", [undecodable]);
}

/** The first one of them may be gone by now, so that an append doesn't find it. */
async function markResends(
  database: Database,
  resends: readonly { readonly place: number; readonly original: string }[],
): Promise<void> {
  if (resends.length === 0) return;
  const given = [resends.map(({ place }) => place), resends.map(({ original }) => original)];
  for (const table of ['log', 'kept'])
    await database.query(
      `UPDATE ${table} e SET resend_of = u.original FROM unnest($1::bigint[], $2::uuid[]) u(seq, original) WHERE e.seq = u.seq`,
      given,
    );
}

/** The number of a daemon's name. */
async function numberOf(database: Database, name: string): Promise<number> {
  await database.query('INSERT INTO hosts (name) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
  const [row] = await database.query<{ number: number }>('SELECT number FROM hosts WHERE name = $1', [name]);
  return row?.number ?? 0;
}
