import { addRanges } from '../../src/journal/postgres/log-ranges.ts';
import { unlimited } from '../../test/support/journal.ts';
import { makeTables } from '../../test/support/postgres-tables.ts';

/** Rows that are made at a time. */
const chunk = 500_000;

/** Makes a shared journal of that many notifications of 700 bytes, a millisecond apart; returns its schema. */
export async function fillShared(url: string, rows: number): Promise<string> {
  const tables = await makeTables(url);
  await addRanges(tables, unlimited, rows);
  const start = Date.now() - rows;
  for (let first = 1; first <= rows; first += chunk) {
    const last = Math.min(rows, first + chunk - 1);
    const id = `lpad(to_hex(${start} + n), 12, '0') || '8' || lpad(to_hex(n), 19, '0')`;
    await tables.query(`
      WITH made AS (SELECT n, (${id})::uuid AS id FROM generate_series(${first}, ${last}) n),
        known AS (INSERT INTO ids SELECT id, n FROM made)
      INSERT INTO log (seq, id, received_at, occurred_at, origin, event, account_id, head, data)
      SELECT n, id, ${start} + n, ${start} + n, 1, 'voicemail_saved', 'a',
        '["k",true,null,"a","z",null,"k",false,"valid",[],null,[]]', '{"filler":"' || repeat('.', 700) || '"}' FROM made`);
  }
  await tables.query(`INSERT INTO appends (last, rows, newest) VALUES (${rows}, ${rows}, ${start + rows})`);
  await tables.query('ANALYZE log; ANALYZE ids');
  await tables.close();
  return tables.schema;
}
