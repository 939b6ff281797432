import { amqp } from './amqp.ts';
import type { ContractedSink } from './contract.ts';
import { email } from './email.ts';
import { exec } from './exec.ts';
import { file } from './file.ts';
import { log } from './log.ts';
import { mysql } from './mysql.ts';
import { postgresql } from './postgresql.ts';
import { s3 } from './s3.ts';
import { sqlite } from './sqlite.ts';
import { syslog } from './syslog.ts';
import { webhook } from './webhook.ts';

/** Every sink, in the order of the table in docs/reference/sinks/faults.md. */
export const contracted: readonly ContractedSink[] = [
  log,
  file,
  sqlite,
  postgresql,
  mysql,
  webhook,
  exec,
  syslog,
  s3,
  amqp,
  email,
];
