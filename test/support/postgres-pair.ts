import { startPostgres, startStandby, type TestPostgres } from './postgresql.ts';
import { startProxy } from './proxy.ts';
import { until } from './until.ts';

/** A primary and its standby. */
export interface PostgresPair {
  readonly primary: TestPostgres;
  readonly standby: TestPostgres;
  /** With both hosts, the primary first. */
  readonly url: string;
  /** The primary waits for the standby with each commit. */
  waitForStandby(): Promise<void>;
  /** It does no longer. */
  waitForNobody(): Promise<void>;
  /** The standby is told nothing any more, and nobody notices. */
  leaveBehind(): void;
  /** The standby takes over. */
  promote(): Promise<void>;
  close(): Promise<void>;
}

export async function startPostgresPair(): Promise<PostgresPair> {
  const primary = await startPostgres();
  const link = await startProxy(primary.port, 'anything');
  const standby = await startStandby(link.port).catch(async (error: unknown) => {
    await link.close();
    await primary.close();
    throw error;
  });
  const { host } = new URL(primary.url);
  const replication = async () =>
    (await primary.query(`SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'`))[0]?.sync_state;
  const setStandbys = async (names: string) => {
    await primary.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await primary.query('SELECT pg_reload_conf()');
  };
  await until(replication, { what: 'the standby to follow' });
  return {
    primary,
    standby,
    url: `${primary.url.replace(host, `${host},${new URL(standby.url).host}`)}?target_session_attrs=read-write`,
    async waitForStandby() {
      await setStandbys('standby');
      await until(async () => (await replication()) === 'sync', { what: 'the standby to be waited for' });
    },
    waitForNobody: () => setStandbys(''),
    leaveBehind: () => link.freeze(),
    async promote() {
      await standby.query('SELECT pg_promote()');
    },
    async close() {
      await link.close();
      await standby.close();
      await primary.close();
    },
  };
}
