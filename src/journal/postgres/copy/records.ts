import type { CopySource, NumberedTable, Row } from '../../folder-journals.ts';
import type { Copying } from '../../journal.ts';
import { type Attempt, restartedAt } from '../../route-session.ts';
import { storableJson } from '../arrays.ts';
import type { Database, Queryable } from '../connection.ts';
import type { Places } from './places.ts';

/** Rows that are copied in one transaction. */
const atOnce = 1_000;

/** What is called otherwise in the database. */
type Renaming = Pick<Copying, 'routeIn'> & { readonly name: string };

/** A table whose rows have numbers of their own: what each of them is in the database, and how they are inserted there. */
interface Table {
  readonly name: NumberedTable;
  /** Null is left out: nothing of it is there any more. */
  of(row: Row, places: Places, copying: Renaming): Record<string, unknown> | null;
  readonly insert: string;
}

const tables: readonly Table[] = [
  {
    name: 'deliveries',
    of({ route, seq, ...row }, places, { routeIn }) {
      const attempts = JSON.parse(String(row.attempts)) as Attempt[]; // as a route's session wrote them
      const place = places.of(Number(seq));
      if (place === null) return null;
      return { ...row, route: routeIn(String(route)), seq: place, restarted_at: restartedAt(attempts) };
    },
    insert: `INSERT INTO deliveries (route, seq, account_id, event, state, reason, attempts, restarted_at, due_at, updated_at)
      SELECT route, seq, account_id, event, state, reason, attempts, restarted_at, due_at, updated_at FROM jsonb_to_recordset($1::jsonb)
        x(route text, seq bigint, account_id text, event text, state text, reason text, attempts text, restarted_at bigint, due_at bigint,
          updated_at bigint)
      ON CONFLICT (route, seq) DO NOTHING`,
  },
  {
    name: 'delivery_log',
    of({ route, first, last, gaps, ...row }, places, { routeIn }) {
      const own = { ...row, route: routeIn(String(route)) };
      if (gaps === null) {
        const place = places.of(Number(last));
        return place === null ? null : { ...own, first: place, last: place, gaps: null };
      }
      const within = placesOfRun(Number(first), Number(last), JSON.parse(String(gaps)) as number[], places); // as it was written
      const [from, to] = [within[0], within.at(-1)];
      return from === undefined || to === undefined
        ? null
        : { ...own, first: from, last: to, gaps: gapsBetween(within) };
    },
    insert: `INSERT INTO delivery_log (first, last, at, attempts, route, outcome, code, by, gaps)
      SELECT first, last, at, attempts, route, outcome, code, by, gaps FROM jsonb_to_recordset($1::jsonb)
        x(first bigint, last bigint, at bigint, attempts integer, route text, outcome text, code jsonb, by text, gaps bigint[])`,
  },
  {
    name: 'audit',
    of: (row) => ({ ...row }),
    insert: `INSERT INTO audit (number, at, who, origin, act, selection, count, progress)
      SELECT (SELECT coalesce(max(number), 0) FROM audit) + row_number() OVER (ORDER BY number), at, who, origin, act, selection, count, progress
      FROM jsonb_to_recordset($1::jsonb)
        x(number bigint, at bigint, who text, origin text, act text, selection text, count bigint, progress text)`,
  },
  {
    name: 'outages',
    of: (row, _places, { name }) => ({ ...row, name }),
    insert: `INSERT INTO outages (name, since, until, zone, broker, reason, code)
      SELECT name, since, until, zone, broker, reason, code FROM jsonb_to_recordset($1::jsonb)
        x(name text, since bigint, until bigint, zone text, broker text, reason text, code jsonb)`,
  },
];

/** How many rows there are of them. */
export function countRecords(source: CopySource): number {
  return tables.reduce((sum, { name }) => sum + source.countOf(name), 0);
}

/**
 * Copies what is recorded of deliveries, the delivery log, the audit and outages. How far it is stands in the database with it.
 * @param mark a name of its own for that
 * @returns how many deliveries are recorded
 */
export async function copyRecords(
  database: Database,
  source: CopySource,
  places: Places,
  copying: Renaming & { readonly mark: string },
  tell: (count: number) => void,
): Promise<number> {
  let count = 0;
  for (const table of tables) {
    const fact = `${copying.mark}_${table.name}`;
    for (let position = await positionIn(database, fact); ; ) {
      const some = source.rows(table.name, position, atOnce);
      const last = some.at(-1);
      if (last === undefined) break;
      position = Number(last.position);
      const copied = some.flatMap(({ position: _, ...row }) => table.of(row, places, copying) ?? []);
      await database.transaction(async (within) => {
        await within.query("SELECT lock_for('announce')");
        if (copied.length > 0) await within.query(table.insert, [storableJson(copied)]);
        await within.query(
          'INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
          [fact, position],
        );
      });
      count += some.length;
      tell(count);
    }
  }
  return source.countOf('deliveries');
}

async function positionIn(database: Queryable, fact: string): Promise<number> {
  const [row] = await database.query<{ value: number }>('SELECT value FROM facts WHERE name = $1', [fact]);
  return row?.value ?? 0;
}

/** Where the entries of a run are, in their order: those that were removed since have no place. */
function placesOfRun(first: number, last: number, gaps: readonly number[], places: Places): number[] {
  const found: number[] = [];
  let from = first;
  for (let index = 0; index < gaps.length; index += 2) {
    const [start = 0, end = 0] = [gaps[index], gaps[index + 1]];
    found.push(...places.between(from, first + start - 1));
    from = first + end + 1;
  }
  found.push(...places.between(from, last));
  return found.sort((one, other) => one - other);
}

/** What lies between places, as places behind the first. */
function gapsBetween(places: readonly number[]): number[] {
  const [first = 0] = places;
  return places.flatMap((place, index) => {
    const before = places[index - 1] ?? place - 1;
    return before + 1 < place ? [before + 1 - first, place - 1 - first] : [];
  });
}
