import { startPostgres, startStandby, type TestPostgres } from './postgresql.ts';
import { until } from './until.ts';

/** A primary and its standby. */
export interface PostgresPair {
  readonly primary: TestPostgres;
  readonly standby: TestPostgres;
  /** With both hosts, the primary first. */
  readonly url: string;
  /** The primary waits for the standby with each commit, or no longer. */
  waitForStandby(waits: boolean): Promise<void>;
  /** The standby takes over. */
  promote(): Promise<void>;
  close(): Promise<void>;
}

export async function startPostgresPair(): Promise<PostgresPair> {
  const primary = await startPostgres();
  const standby = await startStandby(primary).catch(async (error: unknown) => {
    await primary.close();
    throw error;
  });
  const { host } = new URL(primary.url);
  const replication = async () =>
    (await primary.query(`SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'`))[0]?.sync_state;
  await until(replication, { what: 'the standby to follow' });
  return {
    primary,
    standby,
    url: `${primary.url.replace(host, `${host},${new URL(standby.url).host}`)}?target_session_attrs=read-write`,
    async waitForStandby(waits) {
      await primary.query(`ALTER SYSTEM SET synchronous_standby_names = '${waits ? 'standby' : ''}'`);
      await primary.query('SELECT pg_reload_conf()');
      const state = waits ? 'sync' : 'async';
      await until(async () => (await replication()) === state, { what: `the standby to be ${state}` });
    },
    async promote() {
      await standby.query('SELECT pg_promote()');
    },
    async close() {
      await standby.close();
      await primary.close();
    },
  };
}
