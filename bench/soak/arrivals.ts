import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { TestPostgres } from '../../test/support/postgresql.ts';

interface Count {
  /** Confirmed, and not there. */
  readonly missing: number;
  readonly rows: number;
  readonly duplicates: number;
}

interface Arrivals {
  /** How many are missing at both sinks together. */
  missing(confirmed: ReadonlySet<number>): Promise<number>;
  count(confirmed: ReadonlySet<number>): Promise<{ readonly file: Count; readonly database: Count }>;
}

/** What has come to the two sinks. @param files of one sink, or of one at each daemon */
export function arrivalsAt(files: readonly string[], database: Pick<TestPostgres, 'query'>): Arrivals {
  const count = async (confirmed: ReadonlySet<number>) => ({
    file: countOf((await Promise.all(files.map(numbersInFile))).flat(), confirmed),
    database: countOf(await numbersInDatabase(database), confirmed),
  });
  return {
    count,
    async missing(confirmed) {
      const { file, database } = await count(confirmed);
      return file.missing + database.missing;
    },
  };
}

function countOf(numbers: readonly number[], confirmed: ReadonlySet<number>): Count {
  const there = new Set(numbers);
  return { missing: confirmed.difference(there).size, rows: numbers.length, duplicates: numbers.length - there.size };
}

/** A line that a kill has cut in two is no delivery; it comes again. */
async function numbersInFile(file: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const [, number] = /"msg_id":"soak-(\d+)".*\}$/.exec(line) ?? [];
    if (number !== undefined) numbers.push(Number(number));
  }
  return numbers;
}

async function numbersInDatabase(database: Pick<TestPostgres, 'query'>): Promise<number[]> {
  const rows = await database.query(`SELECT substr(data ->> 'msg_id', 6)::int AS number FROM notifications`);
  return rows.map(({ number }) => Number(number));
}
