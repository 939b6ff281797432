import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../../test/support/postgresql.ts';
import { startBroker, type TestBroker } from '../../test/support/rabbitmq.ts';
import { type Daemon, journalIn, startDaemon } from '../daemon.ts';

/** All that takes part in a soak. */
export interface Stage extends AsyncDisposable {
  readonly broker: TestBroker;
  readonly database: TestPostgres;
  /** The one that runs just now, or was the last. */
  readonly daemon: Daemon;
  readonly journal: string;
  /** What the sink `file` writes. */
  readonly file: string;
  /** Starts a daemon in the place of the last one, and waits until it consumes. */
  startDaemon(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  await using things = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-soak-'));
  things.defer(() => rmSync(folder, { recursive: true }));
  const broker = await startBroker();
  things.defer(() => broker.close());
  const database = await startPostgres();
  things.defer(() => database.close());
  const file = join(folder, 'out.ndjson');
  const routes = {
    file: { sink: { type: 'file', path: file, maxSize: '100GiB', rotate: '24d' } },
    database: { circuit: { maxPause: '2s' }, sink: { type: 'database', url: database.url } },
  };
  const start = () => startDaemon({ folder, urls: [broker.url], routes });
  let daemon = start();
  things.defer(async () => void (await daemon.end('SIGKILL')));
  await daemon.says('"consuming"');
  const owned = things.move();
  return {
    ...{ broker, database, file, journal: journalIn(folder) },
    get daemon() {
      return daemon;
    },
    async startDaemon() {
      daemon = start();
      await daemon.says('"consuming"');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
