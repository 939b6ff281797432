import type { Table } from '../table.ts';

/** Months beside the current one that have their partition ahead of time. */
const monthsAhead = 3;

/** The current month and those to come that have a partition. Months are written `2026-11`, and are those of UTC. */
export function monthsToCome(): string[] {
  const now = new Date();
  return Array.from({ length: monthsAhead + 1 }, (_, ahead) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead)).toISOString().slice(0, 7),
  );
}

type Name = Pick<Table, 'schema' | 'name'>;

/** `notifications_y2026m11` */
export function partitionOf({ schema, name }: Name, month: string): Name {
  return { schema, name: `${name}_y${month.replace('-', 'm')}` };
}

/** Where rows go that no partition of a month takes. */
export function defaultOf({ schema, name }: Name): Name {
  return { schema, name: `${name}_default` };
}

/** The month of a partition of ours; undefined for one that somebody else has made. */
export function monthOf({ name }: Name, partition: string): string | undefined {
  const [, year, month] = /_y(\d{4})m(\d{2})$/.exec(partition) ?? [];
  return year !== undefined && partition === `${name}_y${year}m${month}` ? `${year}-${month}` : undefined;
}

/** A month's limits as PostgreSQL writes them of a partition. */
export function boundsOf(month: string): string {
  const [from, to] = limitsOf(month);
  return `FOR VALUES FROM ('${from}') TO ('${to}')`;
}

/** A month's first moment, and that of the next one. */
export function limitsOf(month: string): [string, string] {
  const first = new Date(`${month}-01T00:00:00Z`);
  return [first.toISOString(), new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1)).toISOString()];
}
