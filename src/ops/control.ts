import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Logger } from 'pino';
import { codeOf, reasonOf } from '../common/errors.ts';
import { asDaemon, fileReasonOf, ownershipOf } from '../common/fs/fs-errors.ts';
import { messages } from '../common/messages.ts';
import { printable } from '../common/text/format.ts';
import { JournalError } from '../journal/journal.ts';

/** The daemon's door for commands on the same machine, open to its own user and to root. */
export interface Control {
  close(): Promise<void>;
}

/** The questions to a daemon, some about one route, and their answers. */
type Answers = Readonly<Record<Question, (route?: string) => Promise<unknown>>>;
type Question = 'status' | 'reload' | 'config' | 'live' | 'ready' | 'try' | 'look' | 'page';

/**
 * Answers everybody who connects and asks a question, a word or two on a line, with JSON. Where that can't be set up, the
 * daemon runs all the same, and says so.
 */
export async function openControl(folder: string, answers: Answers, log: Logger): Promise<Control> {
  const path = socketIn(folder);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.setTimeout(askWithin, () => socket.destroy());
    socket.once('data', (line) => {
      socket.setTimeout(0);
      void answer(line.toString().trim(), answers).then((text) => socket.end(text));
    });
  });
  const report = (error: unknown) => log.warn({ path, reason: reasonOf(error) }, messages.socketFailed);
  try {
    // This daemon has the journal's lock: an existing socket is left from a killed one.
    rmSync(path, { force: true });
    server.listen(path);
    await once(server, 'listening');
    // Whatever the umask is, and the mode of a folder that was there already.
    chmodSync(path, 0o600);
  } catch (error) {
    report(error);
  }
  server.on('error', report);
  return {
    async close() {
      const { listening } = server;
      server.close();
      // Whoever waits for a reload is told no more than that we are going.
      for (const socket of sockets) socket.destroySoon();
      if (listening) rmSync(path, { force: true });
    },
  };
}

/** Never rejects. */
async function answer(line: string, answers: Answers): Promise<string> {
  const [question = '', route] = line.split(' ');
  try {
    const known = Object.hasOwn(answers, question) ? answers[question as Question] : undefined; // as it has it
    if (known === undefined) throw new Error('this daemon is of another version; it does not know the question');
    return JSON.stringify(await known(route));
  } catch (error) {
    return JSON.stringify({ error: reasonOf(error) });
  }
}

/** How long somebody who has connected may take to ask, in milliseconds. */
const askWithin = 5_000;

/** How long a daemon may take to answer, in milliseconds: a reload waits for what is in flight. */
const answerWithin: Record<Question, number> = {
  status: 5_000,
  reload: 0,
  config: 5_000,
  live: 5_000,
  ready: 5_000,
  try: 5_000,
  look: 5_000,
  page: 5_000,
};

/**
 * What the daemon on this folder answers; null where none runs.
 * @param route the only one that is asked about, where the question may be about all
 */
export async function askDaemon(folder: string, question: Question, route?: string): Promise<unknown> {
  const socket = connect(socketIn(folder));
  socket.setTimeout(answerWithin[question], () => socket.destroy(new Error('the daemon does not answer')));
  socket.write(`${route === undefined ? question : `${question} ${route}`}\n`);
  let answer: string;
  try {
    answer = await text(socket);
  } catch (error) {
    if (noDaemon.has(codeOf(error))) return null;
    if (codeOf(error) === undefined) throw error;
    // The socket is in the journal's folder, which may be closed to others than the daemon's user.
    const hint = codeOf(error) === 'EACCES' ? ` (${ownershipOf(socketIn(folder))}); ${asDaemon}` : '';
    const reason = `the daemon can't be asked through ${socketIn(folder)}: ${fileReasonOf(error)}${hint}`;
    throw new Error(reason, { cause: error });
  }
  if (answer === '') throw new Error('the daemon ended before it answered');
  return read(answer, question);
}

/** Anybody who may write in the folder could have made the socket, so its texts are escaped. Reports keep their lines. */
function read(answer: string, question: Question): unknown {
  const shown = (text: string) =>
    question === 'reload' ? text.split('\n').map(printable).join('\n') : printable(text);
  try {
    return JSON.parse(answer, (_key, value: unknown) => (typeof value === 'string' ? shown(value) : value));
  } catch (cause) {
    throw new Error('another program answers on its socket', { cause });
  }
}

/**
 * What a daemon does before it opens a journal: the lock may have been removed under another one that runs.
 * @throws JournalError where one answers on this folder, or has its socket and is silent
 */
export async function refuseSecond(folder: string): Promise<void> {
  const answer = await askDaemon(folder, 'live').catch((error: unknown) => {
    // Where this user may not even ask, opening the journal says so better.
    return codeOf(Error.isError(error) ? error.cause : undefined) === undefined ? error : null;
  });
  if (answer === null) return;
  throw new JournalError(
    `the journal ${folder} is in use by another kazoo-relay, which has the socket ${socketIn(folder)}: stop that one, or give ` +
      'this one a journal.path of its own',
  );
}

/** No socket, nobody behind it, or a folder that is none, or whose path is too long for a socket. */
const noDaemon = new Set<string | undefined>(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'EINVAL']);

function socketIn(folder: string): string {
  return join(folder, 'control.sock');
}
