import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeCertificate, startServer, type TestServer } from './server.ts';

/** What one recipient has got. */
interface Delivered {
  readonly recipient: string;
  /** Header and body. */
  readonly message: string;
}

/**
 * A real Exim, which takes e-mails of user `relay` with password `geheim` over STARTTLS, and keeps one for each recipient. It
 * refuses recipients named `nobody`.
 */
export interface TestExim extends TestServer {
  /** The file with its certificate, for localhost. */
  readonly certificate: string;
  delivered(): Delivered[];
  /** Has recipients named `grey` come later. */
  greylist(isOn: boolean): void;
}

export async function startExim(): Promise<TestExim> {
  const server = await startServer({
    name: 'exim',
    async initialise(folder, run) {
      await makeCertificate(folder, run);
    },
    command(folder, port) {
      writeFileSync(join(folder, 'exim.conf'), configuration(folder, port));
      return ['/usr/sbin/exim4', '-bdf', '-C', join(folder, 'exim.conf')];
    },
    async ask(port) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'data');
      socket.destroy();
    },
    stopSignal: 'TERM',
  });
  const folderOf = (name: string) => join(server.folder, name);
  return {
    ...server,
    certificate: folderOf('certificate'),
    delivered() {
      const inbox = folderOf('mail/new');
      const names = existsSync(inbox) ? readdirSync(inbox) : [];
      return names.map((name) => {
        const message = readFileSync(join(inbox, name), 'utf8');
        return { recipient: /^Envelope-to: (.*)$/m.exec(message)?.[1] ?? '', message };
      });
    },
    greylist: (isOn) => (isOn ? writeFileSync(folderOf('grey'), '') : rmSync(folderOf('grey'))),
  };
}

function configuration(folder: string, port: number): string {
  const user = process.getuid?.() === 0 ? 65_534 : process.getuid?.();
  const group = process.getgid?.() === 0 ? 65_534 : process.getgid?.();
  return `
primary_hostname = mail.example.com
exim_user = ${user}
exim_group = ${group}
deliver_drop_privilege = true
keep_environment =
spool_directory = ${folder}/spool
log_file_path = ${folder}/%slog
pid_file_path = ${folder}/pid
notifier_socket =
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
tls_advertise_hosts = *
tls_certificate = ${folder}/certificate
tls_privatekey = ${folder}/key
acl_smtp_rcpt = recipient
acl_smtp_data = accept

begin acl
recipient:
  deny message = no such user
    local_parts = nobody
  defer message = come back later
    local_parts = grey
    condition = \${if exists{${folder}/grey}}
  accept authenticated = *
  deny message = log in first

begin routers
all:
  driver = accept
  transport = keep

begin transports
keep:
  driver = appendfile
  directory = ${folder}/mail
  maildir_format
  envelope_to_add
  user = ${user}
  group = ${group}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = \${if def:tls_in_cipher}
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{relay}}{eq{$auth3}{geheim}}}}
  server_set_id = $auth2
`;
}
