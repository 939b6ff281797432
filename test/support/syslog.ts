import type { SyslogSinkOptions } from '../../src/sinks/syslog/options.ts';

export const syslogOptions: SyslogSinkOptions = {
  url: 'tcp://127.0.0.1:1',
  facility: 'daemon',
  severity: 'info',
  appName: 'kazoo-relay',
  hostname: 'relay1',
  structuredDataId: 'kazoo@32473',
  maxSize: 8 * 1024,
  timeout: 5_000,
  batch: { max: 500, linger: 0 },
  tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined },
};
