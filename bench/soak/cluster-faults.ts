import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterStage } from './cluster-stage.ts';

/** What is done to one daemon, to the database, or to the link between them, and undone. */
export const clusterFaults: Readonly<Record<string, (stage: ClusterStage) => Promise<void>>> = {
  async 'the holder is killed'(stage) {
    const holder = await stage.holder();
    await stage.daemon(holder).end('SIGKILL');
    await delay(Math.random() * 5_000);
    stage.start(holder);
  },

  async 'the holder is stopped for longer than its lease'(stage) {
    const daemon = stage.daemon(await stage.holder()).process;
    daemon.kill('SIGSTOP');
    await delay(5_000);
    daemon.kill('SIGCONT');
  },

  async 'the holder is restarted'(stage) {
    const holder = await stage.holder();
    await stage.daemon(holder).end('SIGTERM');
    stage.start(holder);
  },

  async 'the database is killed'({ journal }) {
    await journal.kill();
    await delay(Math.random() * 5_000);
    await journal.start();
  },

  async 'all connections to the database end'({ journal }) {
    const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kazoo-relay'";
    for (let storm = 0; storm < 20; storm += 1) {
      await journal.query(end);
      await delay(Math.random() * 200);
    }
  },

  async 'the link to the database is cut'({ link }) {
    await link.stop();
    await delay(Math.random() * 5_000);
    await link.start();
  },

  async 'the link to the database swallows all'({ link }) {
    link.freeze();
    await delay(Math.random() * 5_000);
    link.thaw();
  },
};
