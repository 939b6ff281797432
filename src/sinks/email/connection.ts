import { hostname } from 'node:os';
import type { NodemailerError } from 'nodemailer/lib/errors';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { unlessAborted } from '../../common/async/abort.ts';
import { within } from '../../common/async/deadlines.ts';
import { clientTls, openSocket } from '../../common/net/open-socket.ts';
import { explainTls } from '../../common/net/tls.ts';
import { oneLine } from '../summary/summary.ts';
import type { EmailSinkOptions } from './options.ts';
import { placeOf } from './place.ts';

/** What the server says of one e-mail that it has not taken, or not for all. */
export interface Refusal {
  /** What it refuses: the sender, a recipient, or the e-mail. */
  readonly command: string;
  /** Of `RCPT TO`. */
  readonly recipient: string | undefined;
  /** Undefined where it is too large by what the server says of itself. */
  readonly code: number | undefined;
  readonly text: string;
  readonly isFinal: boolean;
}

/** How the server has taken one e-mail. */
export interface Taken {
  /** Who gets it. */
  readonly accepted: readonly string[];
  readonly refusals: readonly Refusal[];
  /** Its last answer. */
  readonly answer: string;
}

/** Milliseconds for an answer: RFC 5321 wants to give more, but the attempt's time is over long before. */
const longestSilence = 600_000;
/** E-mails for one connection: Exim leaves what comes on it after the tenth lying until its next queue run. */
const mostMessages = 10;
/** Milliseconds without a word after which a connection may be gone without our knowing. */
const surelyThere = 1_000;
/** Milliseconds for the server's answer to our goodbye. */
const goodbyeWithin = 1_000;

/** A connection to a mail server, logged in. Whatever is thrown of it, it is over. */
export class Connection {
  readonly #smtp: SMTPConnection;
  readonly #timeout: number;
  readonly #ended = Promise.withResolvers<never>();
  #isOver = false;
  #messages = 0;
  /** Until when the server surely is there, and in the middle of no e-mail, by the monotonic clock. */
  #readyUntil = 0;

  /** @throws Error that says why the server can't be used; the signal's reason */
  static async open(options: EmailSinkOptions, signal: AbortSignal): Promise<Connection> {
    const { host, port, isTls } = placeOf(options);
    const { tls, connectTimeout, starttls } = options;
    const socket = await openSocket({ host, port }, { tls: isTls ? tls : undefined, timeout: connectTimeout }, signal);
    let connection: Connection | undefined;
    try {
      connection = new Connection(
        new SMTPConnection({
          host,
          port,
          connection: socket,
          secure: isTls,
          secured: isTls,
          requireTLS: !isTls && starttls,
          ignoreTLS: !isTls && !starttls,
          ...(!isTls && starttls && { tls: clientTls(host, tls) }),
          name: hostname(),
          connectionTimeout: connectTimeout,
          greetingTimeout: connectTimeout,
          socketTimeout: longestSilence,
          // What is given up is given up at once.
          socketCloseTimeout: 0,
        }),
        connectTimeout,
      );
      await unlessAborted(connection.#begin(options), signal);
      return connection;
    } catch (error) {
      connection?.close();
      socket.destroy();
      signal.throwIfAborted();
      throw plainError(error);
    }
  }

  private constructor(smtp: SMTPConnection, timeout: number) {
    this.#smtp = smtp;
    this.#timeout = timeout;
    this.#ended.promise.catch(() => undefined);
    const end = (error: Error) => {
      this.#isOver = true;
      this.#ended.reject(error);
    };
    smtp.on('error', (error) => end(plainError(error)));
    smtp.on('end', () => end(new Error(`the server has closed the connection${farewellOf(smtp)}`)));
  }

  /** Whether it may take another e-mail. */
  get isUsable(): boolean {
    return !this.#isOver && this.#messages < mostMessages;
  }

  /** Asks a server that it hasn't spoken to for a while whether it is still there, and lets it forget what it refused. */
  async isReady(): Promise<boolean> {
    if (!this.isUsable) return false;
    if (performance.now() < this.#readyUntil) return true;
    const reset = this.#ask<unknown>((done) => this.#smtp.reset(done));
    return within(this.#timeout, 'the server', reset).then(
      () => true,
      () => false,
    );
  }

  /** @throws Error when the connection ends before the server has answered */
  async send(from: string, to: readonly string[], message: Buffer): Promise<Taken> {
    this.#messages += 1;
    this.#readyUntil = 0;
    const envelope = { from, to: [...to], size: message.length };
    try {
      const {
        accepted,
        rejectedErrors = [],
        response,
      } = await this.#ask<Sent>((done) => this.#smtp.send(envelope, message, done));
      this.#readyUntil = performance.now() + surelyThere;
      return { accepted, refusals: rejectedErrors.map(refusalOf), answer: response };
    } catch (error) {
      const failure: NodemailerError = Error.isError(error) ? error : new Error(String(error));
      if (isOfConnection(failure)) throw plainError(failure);
      const errors = failure.rejectedErrors ?? [failure];
      return { accepted: [], refusals: errors.map(refusalOf), answer: failure.response ?? failure.message };
    }
  }

  /** Says goodbye, and waits a little for the answer. */
  async quit(): Promise<void> {
    if (!this.#isOver) this.#smtp.quit();
    await within(goodbyeWithin, 'the server', this.#ended.promise).catch(() => undefined);
    this.close();
  }

  close(): void {
    this.#smtp.close();
  }

  /** Until the server has said what it can do, and let us in. */
  async #begin({ auth }: EmailSinkOptions): Promise<void> {
    const inTime = (answer: Promise<unknown>) => within(this.#timeout, 'the server', answer);
    await inTime(this.#ask<unknown>((done) => this.#smtp.connect((error) => done(error ?? null))));
    if (auth === undefined) return;
    if (!this.#smtp.allowsAuth) throw new Error('the server offers no login here: leave auth out, or use another port');
    const credentials = { user: auth.user, pass: auth.password };
    await inTime(this.#ask<unknown>((done) => this.#smtp.login({ ...credentials, credentials }, done)));
  }

  #ask<T>(start: (done: (error: NodemailerError | null, result?: T) => void) => void): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // A result comes with every call that has no error.
    start((error, result) => (error === null || error === undefined ? resolve(result as T) : reject(error)));
    return Promise.race([promise, this.#ended.promise]);
  }
}

/** Why it goes, where it has said so. */
function farewellOf({ lastServerResponse: last }: SMTPConnection): string {
  return typeof last === 'string' && last.startsWith('421') ? ` (${oneLine(last, 300)})` : '';
}

interface Sent {
  readonly accepted: readonly string[];
  readonly rejectedErrors?: readonly NodemailerError[] | undefined;
  readonly response: string;
}

/** Not of the e-mail: the server is gone, or says that it goes (421). */
function isOfConnection({ code, responseCode, command }: NodemailerError): boolean {
  if (responseCode === 421) return true;
  if (responseCode === undefined) return code !== 'EMESSAGE';
  return !['MAIL FROM', 'RCPT TO', 'DATA'].includes(command ?? '');
}

function refusalOf({ command = '', recipient, responseCode, response, message, permanent }: NodemailerError): Refusal {
  return {
    command,
    recipient,
    code: responseCode,
    text: response ?? message,
    isFinal: permanent ?? responseCode === undefined,
  };
}

/** With what the operator can do, in place of the library's words. */
function plainError(error: unknown): Error {
  const failure: NodemailerError = Error.isError(error) ? error : new Error(String(error));
  const { code, originalCode, response, responseCode = 0, command, message } = failure;
  if (code === 'EAUTH') {
    const cure = responseCode < 500 ? '' : ': correct auth.user and auth.password';
    return new Error(`the server refuses the login (${response ?? message})${cure}`, { cause: error });
  }
  if (command === 'STARTTLS' && response !== undefined) {
    const cure = 'use smtps://, or set starttls: false for a server on this machine';
    return new Error(`the server offers no STARTTLS (${response}): ${cure}`, { cause: error });
  }
  if (response !== undefined) return new Error(`the server says: ${response}`, { cause: error });
  return explainTls(originalCode === undefined ? failure : Object.assign(new Error(message), { code: originalCode }));
}
