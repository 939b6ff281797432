import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from './until.ts';

/** systemd's side of the notify protocol: a datagram socket, and what was said on it. */
export interface NotifySocket {
  readonly path: string;
  /** Datagrams, oldest first; `|` stands for their line ends. */
  readonly said: string[];
  /** Resolves once a datagram says so. */
  hears(text: string | RegExp): Promise<void>;
  close(): Promise<void>;
}

/** Node has no such sockets; Perl, which every Debian has, does. */
const script = `
  use Socket;
  $| = 1;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($socket, sockaddr_un($ARGV[0])) or die $!;
  print "open\\n";
  while (defined recv($socket, my $datagram, 65536, 0)) { $datagram =~ tr/\\n/|/; print "$datagram\\n"; }
`;

export async function openNotifySocket(folder: string): Promise<NotifySocket> {
  const path = join(folder, 'notify.sock');
  const perl = spawn('perl', ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  let rest = '';
  perl.stdout.on('data', (chunk) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    said.push(...lines);
  });
  await until(() => said.shift() === 'open', { what: 'the socket to be open' });
  return {
    path,
    said,
    async hears(text) {
      const isIt = (datagram: string) => (typeof text === 'string' ? datagram.includes(text) : text.test(datagram));
      await until(() => said.some(isIt), { what: `systemd to hear ${text}` });
    },
    async close() {
      if (perl.exitCode !== null || perl.signalCode !== null) return;
      const closed = once(perl, 'close');
      perl.kill('SIGKILL');
      await closed;
    },
  };
}
