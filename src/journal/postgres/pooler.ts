import { JournalError } from '../journal.ts';
import { sqlStateOf } from './failure.ts';
import type { Link } from './link.ts';

/** Others that go through it may hide it for once. */
const looks = 5;

/**
 * A pooler that gives each transaction another connection loses what we set for ours. It is found by two of ours at a time: in a
 * transaction, the second one takes what the first one had before; or the first statement is there already.
 * @throws JournalError where there is one, and as `Link.open`
 */
export async function refusePooler(open: () => Promise<Link>): Promise<void> {
  const links: Link[] = [];
  try {
    const first = await open();
    links.push(first);
    const second = await open();
    links.push(second);
    // A pooler says by the same code that the server behind it is away: only what it answers to these statements tells.
    for (let look = 0; look < looks; look += 1) if (await isShared(first, second)) throw new JournalError(refusal);
  } finally {
    await Promise.all(links.map((link) => link.close()));
  }
}

const refusal =
  'a pooler such as PgBouncer gives each transaction another connection: use pool_mode = session, or connect without it';

/** A prepared statement that is there already, or isn't there any more; and what a mode without transactions says of one. */
const pooled = ['42P05', '26000', '08P01'];

async function isShared(first: Link, second: Link): Promise<boolean> {
  try {
    const before = await backendOf(first);
    await second.query('BEGIN');
    const other = await backendOf(second);
    const after = await backendOf(first);
    await second.query('COMMIT');
    return before === other || before !== after;
  } catch (error) {
    const code = Error.isError(error) ? sqlStateOf(error.cause) : undefined;
    if (pooled.includes(code ?? '')) return true;
    throw error;
  }
}

async function backendOf(link: Link): Promise<number> {
  const [row] = await link.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return row?.pid ?? 0;
}
