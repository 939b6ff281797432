import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startServer, type TestServer } from './server.ts';

/** What rsyslog has understood of a message. */
interface Understood {
  readonly facility: string;
  readonly severity: string;
  readonly timestamp: string;
  readonly hostname: string;
  readonly app: string;
  readonly msgid: string;
  readonly data: string;
  readonly msg: string;
}

/** A real rsyslog, which takes messages over TCP, UDP and a Unix socket, and keeps what it has understood. */
export interface TestRsyslog extends TestServer {
  /** Of its datagrams. */
  readonly socket: string;
  understood(): Understood[];
}

export async function startRsyslog(): Promise<TestRsyslog> {
  const server = await startServer({
    name: 'rsyslog',
    async initialise() {},
    command(folder, port) {
      writeFileSync(join(folder, 'rsyslog.conf'), configuration(folder, port));
      return ['/usr/sbin/rsyslogd', '-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')];
    },
    async ask(port) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    },
    stopSignal: 'TERM',
  });
  const kept = join(server.folder, 'kept');
  return {
    ...server,
    socket: join(server.folder, 'log'),
    understood: () =>
      existsSync(kept)
        ? readFileSync(kept, 'utf8')
            .split('\n')
            // The last one is empty, or being written.
            .slice(0, -1)
            .map((line) => JSON.parse(line))
        : [],
  };
}

function configuration(folder: string, port: number): string {
  const properties = {
    facility: 'syslogfacility-text',
    severity: 'syslogseverity-text',
    timestamp: 'timereported" dateFormat="rfc3339',
    hostname: 'hostname',
    app: 'app-name',
    msgid: 'msgid',
    data: 'structured-data',
    msg: 'msg',
  };
  const fields = Object.entries(properties).map(
    ([name, property]) => `property(outname="${name}" name="${property}" format="jsonf")`,
  );
  return `
global(workDirectory="${folder}" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp") module(load="imudp") module(load="imuxsock" sysSock.use="off")
input(type="imtcp" address="127.0.0.1" port="${port}")
input(type="imudp" address="127.0.0.1" port="${port}")
input(type="imuxsock" socket="${folder}/log" useSpecialParser="off" parseHostname="on"
  ignoreTimestamp="off" useSysTimeStamp="off")
template(name="kept" type="list") {
  constant(value="{") ${fields.join(' constant(value=",") ')} constant(value="}\\n")
}
action(type="omfile" file="${folder}/kept" template="kept")
`;
}
