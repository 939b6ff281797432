import { startProxy, type TestProxy } from '../../support/proxy.ts';
import type { Fault, Faults, Place } from './contract.ts';

/**
 * A place that a network leads to: by which port, and the faults of such a network.
 * @param answersEach whether it answers each delivery by itself, and not the batch
 */
export async function behindNetwork(
  port: number,
  place: (port: number) => Omit<Place, 'close'> | Promise<Omit<Place, 'close'>>,
  close: () => Promise<void> = async () => undefined,
  { answersEach = false } = {},
): Promise<Place> {
  const proxy = await startProxy(port, 'anything');
  const made = await place(proxy.port);
  return {
    ...made,
    faults: { ...networkFaults(proxy, answersEach), ...made.faults },
    async close() {
      await proxy.close();
      await close();
    },
  };
}

function networkFaults(proxy: TestProxy, answersEach: boolean): Faults {
  let stopped = Promise.resolve();
  const stop = () => {
    stopped = proxy.stop();
    return stopped;
  };
  const start = async () => {
    await stopped;
    await proxy.start();
  };
  /** Does this when the place has got the middle of the batch, which has met it when that resolves. */
  const inTheMiddle =
    (act: () => void | Promise<void>, undo: () => void | Promise<void>): Fault =>
    (batch) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      proxy.when(batch[Math.floor(batch.length / 2)]?.header.id ?? '', () => resolve(act()));
      return { met: () => promise, undo };
    };
  /** The same for what breaks the connection: no delivery has had an answer by then. */
  const breakInTheMiddle =
    (act: () => void | Promise<void>, undo: () => void | Promise<void>): Fault =>
    (batch) => {
      if (answersEach) proxy.when(batch[0]?.header.id ?? '', () => proxy.hold());
      const breakNow = () => {
        const acted = act();
        proxy.release();
        return acted;
      };
      return inTheMiddle(breakNow, undo)(batch);
    };
  const thaw = () => {
    proxy.thaw();
    proxy.cut();
  };
  return {
    'down at the start': async () => {
      await stop();
      return { undo: start };
    },
    'gone in the middle of a batch': breakInTheMiddle(stop, start),
    slow: (batch) => {
      proxy.slow(true);
      return inTheMiddle(
        () => undefined,
        () => proxy.slow(false),
      )(batch);
    },
    'half open': inTheMiddle(() => proxy.freeze(), thaw),
    'reset, then silent': breakInTheMiddle(() => {
      proxy.cut();
      proxy.freeze();
      return proxy.connected();
    }, thaw),
    restarted: async () => {
      await stop();
      await start();
      return { undo: () => undefined };
    },
    'an answer after the deadline': inTheMiddle(
      () => proxy.hold(),
      () => proxy.release(),
    ),
  };
}
