import { expect, test } from '@jest/globals';
import { RouteCounts } from '../../src/delivery/counts.ts';
import type { RouteSnapshot } from '../../src/ops/runtime-snapshot.ts';
import type { Status } from '../../src/ops/status.ts';
import { RouteWatch } from '../../src/relay/route-watch.ts';

type Changed = {
  circuit: 'closed' | 'open';
  inFlight: number;
  delivered: number;
  dead: number;
  others: number;
  elsewhere: string;
  link: string;
};

const changes: [string, Partial<Changed>][] = [
  ['a sink that is away', { circuit: 'open' }],
  ['what is in flight', { inFlight: 2 }],
  ['a delivery', { delivered: 1 }],
  ['a dead letter', { dead: 1 }],
  ['another daemon’s sink that is away', { elsewhere: 'open' }],
  ['what waits on another daemon', { others: 5 }],
  ['another daemon’s broker that is away', { link: 'away' }],
];

/** By what is true now. */
function watching(now: Changed): RouteWatch {
  const routes = (): RouteSnapshot[] => {
    const counts = new RouteCounts();
    Object.assign(counts.tries, { delivered: now.delivered, dead: now.dead });
    const activity = { circuit: now.circuit, inFlight: now.inFlight } as unknown as RouteSnapshot['activity']; // all that is looked at
    return [{ name: 'crm', stuck: false, activity, counts }];
  };
  const theirs = () => ({ name: 'log', holder: 'beta', waiting: now.others, circuit: { state: now.elsewhere } });
  const beta = () => ({ name: 'beta', brokers: [{ zone: 'west', broker: 'b:1', state: now.link, paused: false }] });
  const status = async () => ({ daemons: [{}, beta()], routes: [theirs()] }) as unknown as Status; // as well
  return new RouteWatch(routes, status);
}

test.each(changes)('%s is noticed, and told a few times, and then no more', async (_what, change) => {
  const now: Changed = {
    circuit: 'closed',
    inFlight: 0,
    delivered: 0,
    dead: 0,
    others: 0,
    elsewhere: 'closed',
    link: 'consuming',
  };
  const watch = watching(now);
  const looks = async (count: number) => {
    const told = [];
    for (let look = 0; look < count; look += 1) told.push(await watch.look());
    return told.filter(Boolean).length;
  };
  expect(await looks(6)).toBe(0);
  Object.assign(now, change);
  expect(await looks(10)).toBe(2);
  expect(await looks(10)).toBe(0);
});

test('a journal that can’t be asked is nothing new', async () => {
  let isAway = false;
  const status = async () => {
    if (isAway) throw new Error('away');
    return { daemons: [{}, {}], routes: [] } as unknown as Status; // all that is looked at
  };
  const watch = new RouteWatch(() => [], status);
  await watch.look();
  isAway = true;
  for (let look = 0; look < 6; look += 1) expect(await watch.look()).toBe(false);
});
