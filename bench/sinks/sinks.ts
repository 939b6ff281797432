import type { Part } from '../rounds.ts';
import { webhook } from '../webhook/webhook.ts';
import { amqp } from './amqp/amqp.ts';
import { file } from './file/file.ts';
import { mysql } from './mysql/mysql.ts';
import { postgresql } from './postgresql/postgresql.ts';
import { s3 } from './s3/s3.ts';
import { sqlite } from './sqlite/sqlite.ts';
import { syslog } from './syslog/syslog.ts';

/** Every sink that has a library to be measured against: `npm run bench -- sinks`. */
export const sinkParts: readonly Part[] = [file, sqlite, postgresql, mysql, amqp, syslog, s3, webhook];
