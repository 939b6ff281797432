import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { EmailSinkOptions } from '../../src/sinks/email/options.ts';

/** An e-mail as the server has taken it. */
interface Received {
  readonly from: string;
  readonly to: readonly string[];
  /** Header and body, with line ends of one character. */
  readonly message: string;
}

/** A mail server for one test, on loopback. */
export interface TestSmtp {
  readonly port: number;
  readonly received: readonly Received[];
  /** How many clients have connected so far. */
  connected(): number;
  /** Ends every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** What it says to each, in place of taking it: code and text. */
interface Refusals {
  readonly password?: (password: string) => string | undefined;
  readonly sender?: (address: string) => string | undefined;
  readonly recipient?: (address: string) => string | undefined;
  readonly message?: (message: string) => string | undefined;
}

export async function startSmtp(refuses: Refusals = {}, options: SMTPServerOptions = {}): Promise<TestSmtp> {
  const received: Received[] = [];
  let count = 0;
  const server = new SMTPServer({
    allowInsecureAuth: true,
    authOptional: refuses.password === undefined,
    closeTimeout: 1,
    disabledCommands: options.key === undefined ? ['STARTTLS'] : [],
    disableReverseLookup: true,
    onConnect(_session, done) {
      count += 1;
      done();
    },
    onAuth({ password }, _session, done) {
      const error = errorOf(refuses.password?.(password ?? ''));
      if (error === null) done(null, { user: 'relay' });
      else done(error);
    },
    onMailFrom: ({ address }, _session, done) => done(errorOf(refuses.sender?.(address))),
    onRcptTo: ({ address }, _session, done) => done(errorOf(refuses.recipient?.(address))),
    onData(stream, { envelope }, done) {
      const take = (given: string) => {
        const message = given.replaceAll('\r\n', '\n');
        const error = errorOf(refuses.message?.(message));
        if (error === null) {
          const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
          received.push({ from, to: envelope.rcptTo.map(({ address }) => address), message });
        }
        done(error);
      };
      // A client that is gone in the middle hasn't sent it.
      text(stream).then(take, () => undefined);
    },
    ...options,
  });
  // A client that is gone in the middle is no news.
  server.on('error', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = () => {
    for (const connection of server.connections) connection.close();
  };
  return {
    port: (server.server.address() as AddressInfo).port, // it listens on a port
    received,
    connected: () => count,
    cut,
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

/** As the server's library wants it. @param answer such as `550 no such user` */
function errorOf(answer: string | undefined): Error | null {
  if (answer === undefined) return null;
  return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
}

/** The headers of an e-mail, unfolded, by their names in lower case, and its body. */
export function partsOf(message: string): { readonly headers: ReadonlyMap<string, string>; readonly body: string } {
  const end = message.indexOf('\n\n');
  const lines = message
    .slice(0, end)
    .replace(/\n[ \t]/g, ' ')
    .split('\n');
  const headers = lines.map(
    (line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const,
  );
  return { headers: new Map(headers), body: message.slice(end + 2) };
}

export const emailOptions: EmailSinkOptions = {
  url: 'smtp://127.0.0.1:1',
  starttls: false,
  auth: undefined,
  from: 'Phone system <phone@relay.example.com>',
  to: ['noc@example.com'],
  toByAccount: {},
  noAddress: 'dead',
  template: undefined,
  maxPerHour: 1_000_000,
  connections: 2,
  connectTimeout: 5_000,
  tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined },
};
