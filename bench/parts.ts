import { backlog } from './backlog/backlog.ts';
import { big } from './big/big.ts';
import { idle } from './idle/idle.ts';
import { intake, intakeMix } from './intake/intake.ts';
import { journalSize } from './journal-size/journal-size.ts';
import { latency } from './latency/latency.ts';
import { memory } from './memory/memory.ts';
import { page, pageBusy, pageOpen } from './page/page.ts';
import type { Part } from './rounds.ts';
import { routes } from './routes/routes.ts';
import { postgresql } from './sinks/postgresql/postgresql.ts';
import { start } from './start/start.ts';
import { webhook, webhookSigned } from './webhook/webhook.ts';

/** All that is measured where no part is named, in this order. */
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
  big,
  page,
  pageOpen,
  pageBusy,
  memory,
  idle,
  start,
];
