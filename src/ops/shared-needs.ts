import { pluralize } from '../common/text/format.ts';
import type { Need } from './need.ts';
import type { DaemonStatus, LinkStatus, Status } from './status.ts';

/** By so many milliseconds the clock of a daemon may differ from the database's. */
const mostSkew = 5_000;

/**
 * What an operator should see to of a journal that several daemons share. Nothing where all daemons live, are alike and have names of their own, each route is somebody's, and the database is there.
 * @param since says since when, of an RFC 3339 time
 */
export function sharedNeeds(status: Status, since: (time: string) => string): Need[] {
  const { journal, daemons, routes } = status;
  const { degraded } = journal;
  // A daemon of the version before knows nothing of it.
  if (degraded && degraded.state !== 'draining') {
    const kept = `Nothing is lost: ${pluralize(degraded.spooled, 'notification')} wait in journal.spool.`;
    const { what, cure } = databaseNeeds[degraded.state];
    return [{ what: `${what} ${since(degraded.since)}`, why: degraded.reason, kept, cure }];
  }
  const living = (daemons ?? []).filter(({ lives }) => lives);
  if (living.length === 0) return [];
  return [
    ...goneAmong(daemons),
    ...namesakesAmong(living),
    ...differing(living, 'version', 'run different versions', upgradeCure),
    ...differing(living, 'configuration', 'have different routes or schemas in their configurations', reloadCure),
    ...living.flatMap(skewNeed),
    ...linkNeeds(status, since),
    ...routes
      .filter((route) => isUnheld(route, living))
      .map(({ name }) => ({ what: `no daemon runs ${name}`, cure: nobodyCure })),
  ];
}

const databaseNeeds = {
  away: {
    what: 'the database of the journal is away',
    cure:
      'Intake goes on until journal.spoolSize is used up; delivery waits. Both go on by themselves when it is back. What is in ' +
      'the way: kazoo-relay check --connect',
  },
  refused: {
    what: 'the database of the journal is back, and has refused what was kept',
    cure: 'It is tried again by itself. What is in the way: kazoo-relay check --connect',
  },
};

const upgradeCure = 'Upgrade the others: docs/operations/several-machines.md says in which order.';
const reloadCure = 'Give all of them the same file; then on each machine: kazoo-relay reload';
const nobodyCure =
  'A daemon that may run it takes it within seconds. With host, only the daemon of that name may: start it, or name another one.';

/** What a daemon runs for itself waits for that one alone, which may have been stopped for long. */
function isUnheld({ name, holder }: Status['routes'][number], living: readonly DaemonStatus[]): boolean {
  const [, owner] = name.split('@');
  return holder === null && (owner === undefined || living.some((daemon) => daemon.name === owner));
}

function goneAmong(daemons: readonly DaemonStatus[]): Need[] {
  return daemons
    .filter(({ lives, name }) => !lives && !daemons.some((other) => other.lives && other.name === name))
    .map(({ name }) => ({
      what: `the daemon ${name} has stopped without saying so`,
      cure: `Start it. If it is gone for good: what waits in its journal.spool is lost, and routes with host: ${name} need another.`,
    }));
}

function namesakesAmong(living: readonly DaemonStatus[]): Need[] {
  return [...Map.groupBy(living, ({ name }) => name)]
    .filter(([, { length }]) => length > 1)
    .map(([name, { length }]) => ({
      what: `${length} daemons are called ${name}`,
      cure: 'Give each a name of its own (the option name; by default it is the host name), and restart it.',
    }));
}

/** `the daemons run different versions: 0.3.0 (alpha, beta), 0.4.0 (gamma)`. */
function differing(
  living: readonly DaemonStatus[],
  key: 'version' | 'configuration',
  how: string,
  cure: string,
): Need[] {
  const groups = [...Map.groupBy(living, (daemon) => daemon[key])];
  if (groups.length < 2) return [];
  const shown = groups.map(([value, daemons]) => `${value} (${daemons.map(({ name }) => name).join(', ')})`);
  return [{ what: `the daemons ${how}: ${shown.join(', ')}`, cure }];
}

/** The links of daemons that were not asked, and live. */
export function linksElsewhere(
  daemons: readonly DaemonStatus[],
): { readonly daemon: string; readonly link: LinkStatus }[] {
  return daemons
    .filter(({ asked, lives }) => lives && !asked)
    .flatMap(({ name, brokers = [] }) => brokers.map((link) => ({ daemon: name, link })));
}

function linkNeeds({ daemons, brokers }: Status, since: (time: string) => string): Need[] {
  const others = linksElsewhere(daemons);
  const taking = [...(brokers ?? []), ...others.map(({ link }) => link)].filter(isTaking);
  return others
    .filter(({ link }) => !isTaking(link))
    .map(({ daemon, link: { zone, broker, paused, reason, since: at } }) => ({
      what: `${daemon} takes nothing from ${broker} (zone ${zone})${paused ? '' : ` ${since(at)}`}`,
      ...(reason === null ? {} : { why: reason }),
      kept: taking.some((link) => link.broker === broker && link.zone === zone)
        ? 'Nothing is lost: another daemon takes from it meanwhile.'
        : 'What KAZOO publishes there meanwhile waits in its queue only if that broker runs.',
      cure: `It tries again by itself. To look closer, on the machine of ${daemon}: kazoo-relay check --connect`,
    }));
}

function isTaking({ state, paused }: LinkStatus): boolean {
  return state === 'consuming' && !paused;
}

function skewNeed({ name, clock_skew }: DaemonStatus): Need[] {
  if (Math.abs(clock_skew) <= mostSkew) return [];
  const seconds = Math.round(Math.abs(clock_skew) / 1_000);
  const side = clock_skew > 0 ? 'ahead of' : 'behind';
  return [
    {
      what: `the clock of ${name} is ${seconds} s ${side} the database's`,
      cure: 'Only the database’s clock counts for leases and retries; times of arrival are wrong by it. Synchronise the clocks (NTP).',
    },
  ];
}
