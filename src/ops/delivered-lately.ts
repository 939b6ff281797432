import { countSpans, type JournalReader } from '../journal/reader.ts';

/** What each route has delivered lately, by its name. */
export async function deliveredLately(journal: Pick<JournalReader, 'counts'>): Promise<Map<string, Delivered>> {
  const now = Date.now();
  const [minutes, hours, days] = await Promise.all([
    journal.counts('minute', now - 59 * countSpans.minute),
    journal.counts('hour', new Date(now).setHours(0, 0, 0, 0)),
    journal.counts('day', now - 29 * countSpans.day),
  ]);
  const sums = [minutes, hours].map((counts) => {
    const sum = new Map<string, number>();
    for (const { route, delivered } of counts) sum.set(route, (sum.get(route) ?? 0) + delivered);
    return sum;
  });
  const latest = new Map<string, number>();
  for (const { route, last } of days) if (last !== null) latest.set(route, Math.max(latest.get(route) ?? 0, last));
  const routes = new Set([...minutes, ...hours, ...days].map(({ route }) => route));
  const [lastHour, today] = sums;
  return new Map(
    [...routes].map((route) => [
      route,
      {
        last_hour: lastHour?.get(route) ?? 0,
        today: today?.get(route) ?? 0,
        latest: isoTime(latest.get(route)),
      },
    ]),
  );
}

/** The deliveries of a route. */
export interface Delivered {
  /** In the last sixty minutes, and since midnight by the machine's time zone. */
  readonly last_hour: number;
  readonly today: number;
  /** The latest one of the last thirty days; null where there is none. */
  readonly latest: string | null;
}

function isoTime(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
