import type { Logger } from 'pino';
import { reasonOf } from '../common/errors.ts';
import { messages } from '../common/messages.ts';

/*
 * systemd's notify protocol, for a unit with Type=notify or Type=notify-reload.
 *
 * Node has no datagram sockets of the Unix kind, so the messages go out through systemd's own libsystemd (`sd_notify`),
 * which every machine has that systemd runs on. They come from the daemon's own process: NotifyAccess=main, which
 * Type=notify gives by itself, is enough, and no helper process runs beside it. In the sandbox it needs
 * RestrictAddressFamilies=AF_UNIX and the system calls socket, connect and sendmsg (all in @system-service). Where
 * NOTIFY_SOCKET isn't set, nothing is loaded.
 *
 * READY=1 comes when the journal is open, every route has its place in it, and the brokers are being connected to: a
 * broker that is away must not keep the service from starting. With WatchdogSec=, WATCHDOG=1 comes at half of that
 * interval for as long as nothing is stuck (see `stuckIn` in src/ops/runtime-snapshot.ts), not merely while a timer runs. A
 * reload tells RELOADING=1 with MONOTONIC_USEC, and READY=1 when it is done: Type=notify-reload (systemd 253) may be
 * used, or ExecReload=kill -HUP.
 */

/** The messages to the service manager. Without one, they do nothing. */
export interface Notifier {
  /** It has started, or has finished a reload. */
  ready(): void;
  /** A reload begins; `ready` ends it. */
  reloading(): void;
  /** It has been told to stop. Resolves when that was said. */
  stopping(): Promise<void>;
}

export interface HealthSource {
  /** The state, in one line. */
  summary(): string;
  /** What should move and doesn't; empty while all is well. */
  stuck(): readonly string[];
}

/** Between looks at whether there is something new to say, in milliseconds. */
const statusInterval = 5_000;

const silent: Notifier = { ready() {}, reloading() {}, stopping: async () => {} };

/** Opens the way to the service manager that started this process, if one did and wants to be told. */
export async function openNotifier(health: HealthSource, log: Logger): Promise<Notifier> {
  if (process.env.NOTIFY_SOCKET === undefined) return silent;
  try {
    return new SystemdNotifier(await loadSend(), health, log);
  } catch (error) {
    log.error({ reason: reasonOf(error) }, messages.libsystemdMissing);
    return silent;
  }
}

/** Resolves to a positive number when it was sent, else to a negated errno. */
type Send = (unsetEnvironment: number, message: string) => Promise<number>;

/** It is called on a thread of its own: a service manager that hangs must not make us hang. */
async function loadSend(): Promise<Send> {
  const { default: koffi } = await import('koffi');
  const sdNotify = koffi.load('libsystemd.so.0').func('int sd_notify(int unset_environment, const char *state)');
  return (unsetEnvironment, message) =>
    new Promise((resolve, reject) => {
      const done = (error: unknown, sent: number) => (error ? reject(error) : resolve(sent));
      sdNotify.async(unsetEnvironment, message, done);
    });
}

class SystemdNotifier implements Notifier {
  readonly #send: Send;
  readonly #health: HealthSource;
  readonly #log: Logger;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Messages go out one after the other. */
  #sending: Promise<void> = Promise.resolve();
  #queued = 0;
  #summary = '';
  #isStuck = false;
  #isStopping = false;
  #failing = false;

  constructor(send: Send, health: HealthSource, log: Logger) {
    this.#send = send;
    this.#health = health;
    this.#log = log;
  }

  ready(): void {
    // A reload may end while the daemon stops.
    if (this.#isStopping) return;
    this.#summary = this.#health.summary();
    this.#tell(`READY=1\nSTATUS=${this.#summary}`);
    if (this.#timers.length > 0) return;
    this.#timers.push(setInterval(() => this.#tellSummary(), statusInterval));
    const interval = watchdogInterval();
    if (interval !== undefined) this.#timers.push(setInterval(() => this.#feed(), interval / 2));
  }

  reloading(): void {
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}\nSTATUS=reloading the configuration`);
    this.#summary = '';
  }

  async stopping(): Promise<void> {
    this.#isStopping = true;
    // The watchdog goes on being fed: a stop may take longer than its interval.
    clearInterval(this.#timers.shift());
    this.#tell('STOPPING=1\nSTATUS=delivering what is in flight');
    await this.#sending;
    for (const timer of this.#timers) timer.unref();
  }

  #tellSummary(): void {
    const summary = this.#health.summary();
    if (summary === this.#summary) return;
    this.#summary = summary;
    this.#tell(`STATUS=${summary}`);
  }

  #feed(): void {
    const stuck = this.#health.stuck();
    if (stuck.length === 0) this.#tell('WATCHDOG=1');
    else if (!this.#isStuck) this.#log.error({ stuck }, messages.watchdogStopped);
    this.#isStuck = stuck.length > 0;
  }

  /** While the service manager doesn't read, no further message is queued: it would be outdated when read. */
  #tell(message: string): void {
    if (this.#queued >= mostQueued) return;
    this.#queued += 1;
    this.#sending = this.#sending.then(async () => {
      const sent = await this.#send(0, message).catch(() => 0);
      this.#queued -= 1;
      if (sent <= 0 && !this.#failing) this.#log.warn({ code: sent }, messages.systemdFailed);
      this.#failing = sent <= 0;
    });
  }
}

const mostQueued = 8;

/** Milliseconds within which the service manager wants to hear from this process; undefined where it doesn't. */
function watchdogInterval(): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = process.env;
  if (microseconds === undefined || (pid !== undefined && Number(pid) !== process.pid)) return undefined;
  const interval = Number(microseconds) / 1_000;
  return interval > 0 ? interval : undefined;
}
