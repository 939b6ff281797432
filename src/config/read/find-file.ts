import { accessSync, constants } from 'node:fs';
import { codeOf } from '../../common/errors.ts';
import { hasSudo, ownershipOf } from '../../common/fs/fs-errors.ts';
import { ConfigError } from '../diagnostics.ts';

/** Where a configuration is looked for, in this order, when none is named. */
const defaultFiles = ['/etc/kazoo-relay/kazoo-relay.yaml', 'config/kazoo-relay.yaml'];

/**
 * The configuration file to use: the one that is named, else that of KAZOO_RELAY_CONFIG, else the first that exists of
 * /etc/kazoo-relay/kazoo-relay.yaml and config/kazoo-relay.yaml.
 * @throws ConfigError when there is none, or this user may not read it
 */
export function findConfigFile(named: string | undefined, env = process.env): string {
  // Docker and systemd may set a variable to nothing, and mean that it has no value.
  const file = named ?? (env.KAZOO_RELAY_CONFIG || defaultFiles.find(exists));
  if (file !== undefined) return file;
  throw new ConfigError(
    `there is no configuration: neither ${defaultFiles.join(' nor ')} exists. Name one with --config or in KAZOO_RELAY_CONFIG`,
  );
}

/** What may not be read may be there, and is not passed over for the next. */
function exists(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch (cause) {
    if (codeOf(cause) !== 'EACCES') return false;
    const way = hasSudo ? 'use sudo' : 'make it readable for this user';
    throw new ConfigError(
      `${file} may not be read by this user (${ownershipOf(file)}): ${way}, or name another with --config`,
      { cause },
    );
  }
}
