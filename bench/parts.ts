import { backlog } from './backlog/backlog.ts';
import { idle } from './idle/idle.ts';
import { intake, intakeMix } from './intake/intake.ts';
import { journalSize } from './journal-size/journal-size.ts';
import { latency } from './latency/latency.ts';
import { peers } from './peers/peers.ts';
import { postgresql } from './postgresql/postgresql.ts';
import type { Part } from './rounds.ts';
import { routes } from './routes/routes.ts';
import { start } from './start/start.ts';
import { webhook, webhookSigned } from './webhook/webhook.ts';

/** All that is measured where nothing is named, in this order. */
export const parts: readonly Part[] = [
  intake,
  intakeMix,
  webhook,
  webhookSigned,
  postgresql,
  latency,
  routes,
  journalSize,
  backlog,
  idle,
  start,
];

/** Those of these names, where `peers` stands for all of the peers'; where none is named, all but those. @throws Error where there is none */
export function partsOf(names: readonly string[]): readonly Part[] {
  if (names.length === 0) return parts;
  const known = [...parts, ...peers];
  const chosen = names.flatMap((name) => {
    const found = name === 'peers' ? peers : known.filter((part) => part.name === name);
    if (found.length === 0) throw new Error(`there is no part ${name}`);
    return found;
  });
  return [...new Set(chosen)];
}
