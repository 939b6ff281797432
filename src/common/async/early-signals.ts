/*
 * Signals that arrive before the daemon handles them: by default each ends the process, also a reload. They must be
 * held from the start on, so this is loaded before everything else, and loads nothing.
 */

/** Signals that mean "stop": what systemd and docker send, and Ctrl-C. */
export const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/** Signals that a daemon lives on with. */
const otherSignals = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

type OtherSignal = (typeof otherSignals)[number];

const held: NodeJS.Signals[] = [];
const hold = (signal: NodeJS.Signals) => void held.push(signal);
/** With the exit code of every stop: there is nothing yet that would have to be finished. */
const end = () => process.exit(0);

/** From now on a signal to stop ends the process as one that has stopped, and any other one is kept until it is handled. */
export function holdSignals(): void {
  for (const signal of stopSignals) process.on(signal, end);
  for (const signal of otherSignals) process.on(signal, hold);
}

/** Calls back at each such signal, and now for each that was held. */
export function onSignal(signal: OtherSignal, work: () => void): void {
  // First the new one: between the two, the signal would end the process.
  process.on(signal, work);
  process.off(signal, hold);
  for (const early of held) if (early === signal) work();
}

/** Leaves signals to stop to their listeners; without one, such a signal ends the process at once. */
export function releaseStops(): void {
  for (const signal of stopSignals) process.off(signal, end);
}
