import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectPublisher, type Publisher } from '../../src/cli/support/publisher.ts';
import { unlessAborted } from '../../src/common/async/abort.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { startPrivateBroker } from './private-broker.ts';
import { until } from './until.ts';

/** What runs while the quickstart shows something. */
export interface Stage {
  readonly daemon: Daemon;
  readonly publisher: Publisher;
}

/** Where everything is that the quickstart leaves to look at. */
export interface Files {
  readonly config: string;
  readonly journal: string;
  /** What the log sink writes, which is the daemon's standard output. */
  readonly log: string;
  /** What the file sink writes. */
  readonly file: string;
  readonly daemonLog: string;
}

export function filesIn(folder: string): Files {
  return {
    config: join(folder, 'config.yaml'),
    journal: join(folder, 'journal'),
    log: join(folder, 'console.log'),
    file: join(folder, 'notifications.ndjson'),
    daemonLog: join(folder, 'daemon.log'),
  };
}

/** How long the daemon may take until it consumes, in milliseconds. */
const startWithin = 60_000;

/**
 * Starts a private RabbitMQ and the daemon, and waits until it consumes.
 * @param running ends them with it, also those of a start that fails or is interrupted
 */
export async function startStage(
  files: Files,
  running: AsyncDisposableStack,
  signal: AbortSignal,
  announce: (step: string) => Promise<void>,
): Promise<Stage> {
  await announce('starting a private RabbitMQ');
  const starting = startPrivateBroker();
  running.defer(() => starting.then((broker) => broker.close()).catch(() => undefined));
  const { url } = await unlessAborted(starting, signal);

  await announce('starting kazoo-relay');
  writeFileSync(files.config, configText(url, files));
  const daemon = startDaemon(files.config, files.log, files.daemonLog);
  running.defer(() => daemon.stop());
  const publisher = await connectPublisher(url);
  running.defer(() => publisher.close());
  const consumes = until(() => publisher.hasConsumer(queue), startWithin, signal);
  if (await Promise.race([consumes, daemon.ended])) return { daemon, publisher };
  throw new Error(`the daemon doesn't consume from RabbitMQ; its log, ${files.daemonLog}, may say why`);
}

const queue = 'kazoo-relay';

function configText(url: string, files: Files): string {
  return `# Written by "npm run quickstart": copy it, and make it yours.
brokers:
  - zone: quickstart
    url: ${JSON.stringify(url)}

queue:
  name: ${queue}

journal:
  path: ${JSON.stringify(files.journal)}

routes:
  console:
    sink: { type: log }
  archive:
    sink: { type: file, path: ${JSON.stringify(files.file)} }

log:
  format: pretty

http:
  listen: 127.0.0.1:0 # any free port, which the log tells; 127.0.0.1:9400 where nothing stands here
`;
}
