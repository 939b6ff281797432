import { isIP } from 'node:net';
import type { Dialect } from '../dialect.ts';
import { serverOf } from '../server.ts';
import { grammar } from './grammar.ts';

const defaultPort = 3306;

/** MySQL and MariaDB. Their library is loaded only where one is opened. */
export const mysqlDialect: Dialect = {
  ...grammar,
  name: 'MySQL',
  protocols: ['mysql:', 'mariadb:'],
  lacks: ['partition'],
  isLocal: false,
  checkUrl(url) {
    const { host, tls } = serverOf(url, defaultPort);
    // The library would look for the name localhost in the certificate then.
    if (tls.mode === 'verify-full' && isIP(host))
      throw new Error('its sslmode verify-full needs a host name, not an address');
  },
  async open(options, table, log) {
    const { MysqlDatabase } = await import('./database.ts');
    return new MysqlDatabase(options, serverOf(new URL(options.url), defaultPort), table, log);
  },
};
