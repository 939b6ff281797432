import pino from 'pino';
import { readConfig } from '../../src/config/load.ts';
import { startRelay } from '../../src/relay/relay.ts';
import { openTestLog } from './log.ts';
import { until } from './until.ts';

/** A relay in this process: for what has nothing to do with a process of its own, which takes ten times as long to start. */
export interface RelayHere {
  /** Resolves once its log says so, with all that it has said. */
  says(text: string): Promise<string>;
  /** As at SIGTERM. A second time does nothing. */
  stop(): Promise<void>;
}

export async function startRelayHere(config: string): Promise<RelayHere> {
  let said = '';
  const keep = openTestLog('relay');
  const write = (line: string) => {
    said += line;
    keep(Buffer.from(line));
  };
  const log = {
    logger: pino({ level: 'info', base: null }, { write }),
    level: 'info',
    usualLevel: 'info',
    lines: new Map(),
    close: async () => undefined,
  } as const;
  const load = () => readConfig(config);
  const relay = await startRelay(load(), log, { load });
  let stopped: Promise<void> | undefined;
  return {
    async says(text) {
      await until(() => said.includes(text), { what: `the relay to say "${text}"` });
      return said;
    },
    stop() {
      stopped ??= relay.stop();
      return stopped;
    },
  };
}
