import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { canRun } from './engine.ts';

const isNew = canRun('docker', 'compose', 'version');

/** Compose version 2, or 1, which Debian 12 has. */
export const hasCompose = isNew || canRun('docker-compose', 'version');

/**
 * A shell in a checkout for lines of docs as they stand there: `docker` is the one at an address, and root needs no sudo.
 * @param debian the image that stands in for those of RabbitMQ and PostgreSQL, with the programs of this machine
 * @param port for the page, in place of 9400, which may be in use
 */
export function shellWithCompose(checkout: string, host: string, debian: string, port: number) {
  const file = join(checkout, 'docker-compose.yml');
  const text = readFileSync(file, 'utf8').replace('127.0.0.1:9400:', `127.0.0.1:${port}:`);
  // Version 1 doesn't know that it may have a name.
  writeFileSync(file, isNew ? text : text.replace(/^name: .*\n/m, ''));
  writeFileSync(join(checkout, 'docker-compose.override.yml'), stringify({ services: standIns(debian) }));
  const programs = join(checkout, 'programs');
  mkdirSync(programs);
  const put = (name: string, lines: readonly string[]) => {
    writeFileSync(join(programs, name), ['#!/bin/sh', ...lines, ''].join('\n'));
    chmodSync(join(programs, name), 0o755);
  };
  put('sudo', ['exec "$@"']);
  put('docker', isNew ? [`PATH=$OTHERS exec docker "$@"`] : asVersion1);
  const { PATH: others } = process.env;
  const env = { ...process.env, PATH: `${programs}:${others}`, OTHERS: others, DOCKER_HOST: host };
  return async (line: string): Promise<string> =>
    (await promisify(execFile)('sh', ['-euc', line], { cwd: checkout, env, maxBuffer: 1 << 26 })).stdout;
}

/** Without a terminal, version 1 must be told so. */
const asVersion1 = [
  'PATH=$OTHERS',
  '[ "$1" = compose ] || exec docker "$@"',
  'shift',
  'case $1 in',
  '  exec | run) command=$1; shift; set -- "$command" -T "$@" ;;',
  'esac',
  'exec docker-compose --project-name kazoo-relay "$@"',
];

/** Servers as their images run them, but of this machine's packages. */
function standIns(image: string): Record<string, object> {
  const volumes = ['/usr:/usr:ro', '/etc/alternatives:/etc/alternatives:ro', '/etc/erlang:/etc/erlang:ro'];
  const quick = { interval: '2s' };
  return {
    rabbitmq: {
      ...{ image, volumes, healthcheck: quick },
      environment: {
        ...{ HOME: '/var/lib/rabbitmq', RABBITMQ_LOGS: '-', RABBITMQ_MNESIA_BASE: '/var/lib/rabbitmq/mnesia' },
        ...{ RABBITMQ_CONFIG_FILE: '/tmp/rabbitmq.conf', RABBITMQ_ENABLED_PLUGINS_FILE: '/tmp/plugins' },
        PATH: '/usr/lib/rabbitmq/bin:/usr/bin:/bin',
      },
      command: ['sh', '-euc', 'echo loopback_users = none > /tmp/rabbitmq.conf; exec rabbitmq-server'],
    },
    // Compose reads a dollar as the beginning of a variable of its own.
    postgres: { image, volumes, healthcheck: quick, command: ['sh', '-euc', startPostgres.replaceAll('$', '$$$$')] },
  };
}

const startPostgres = `
  PATH=$(echo /usr/lib/postgresql/*/bin):$PATH data=/var/lib/postgresql/data/db
  grep -q ^postgres: /etc/passwd || echo postgres:x:999:999::/:/bin/sh >> /etc/passwd
  install -d -o 999 /var/lib/postgresql/data /var/run/postgresql
  as='setpriv --reuid 999 --clear-groups'
  if ! [ -e $data ]; then
    $as initdb --auth-local trust --auth-host scram-sha-256 -U $POSTGRES_USER --pwfile $POSTGRES_PASSWORD_FILE -D $data
    echo 'host all all all scram-sha-256' >> $data/pg_hba.conf
    echo "CREATE DATABASE $POSTGRES_DB" | $as postgres --single -D $data postgres
  fi
  exec $as postgres -D $data -c listen_addresses='*'`;
