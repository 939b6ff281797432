import { hash } from 'node:crypto';
import { pluralize } from '../../common/text/format.ts';
import type { ShapedEnvelope } from '../../notification/envelope.ts';
import { mostInDigest } from '../sink.ts';
import { type Severity, severities } from './severity.ts';
import { type Fact, oneLine, summaryOf, titleOf } from './summary.ts';

/** Several notifications in words, for a person: all of it is text of theirs, and whoever shows it escapes it. */
export interface DigestSummary {
  /** The same for each repetition with the same notifications. */
  readonly id: string;
  /** One line: how many, whose, and from when to when. */
  readonly title: string;
  /** The highest of all. */
  readonly severity: Severity;
  /** How many there are of each event, the most urgent first. */
  readonly facts: readonly Fact[];
  /** Each of them, the most urgent first, and then as they happened. */
  readonly lines: readonly DigestLine[];
  /** The one that the first line is about: where there is one link, it leads there. */
  readonly first: ShapedEnvelope;
}

export interface DigestLine {
  readonly severity: Severity;
  /** One line: when, what has happened, and to whom. */
  readonly text: string;
}

/** Characters: an account's name may be anything. */
const longestLine = 300;

/** Events that are counted by name; the others are counted together. */
const mostEvents = 15;

/** @throws Error where there is none */
export function digestOf(batch: readonly ShapedEnvelope[]): DigestSummary {
  const accounts = new Set(batch.map(({ account_id: account }) => account ?? null));
  const all = batch
    .map((envelope) => ({ envelope, ...summaryOf(envelope) }))
    .sort(
      (one, other) => urgencyOf(other) - urgencyOf(one) || compare(momentOf(one.envelope), momentOf(other.envelope)),
    );
  const [first] = all;
  if (first === undefined) throw new Error('a digest of nothing');
  return {
    id: `digest-${hash(
      'sha256',
      batch
        .map(({ id }) => id)
        .sort()
        .join(),
      'hex',
    ).slice(0, 32)}`,
    title: oneLine(`${pluralize(batch.length, 'notification')}${ownerOf(accounts)}${spanOf(batch)}`, longestLine),
    severity: first.severity,
    facts: [...countsOf(all.map(({ envelope }) => titleOf(envelope.event))), ...cutNote(batch.length)],
    lines: all.map(({ envelope, title, severity }) => ({
      severity,
      text: oneLine(
        [timeOf(envelope), title, accounts.size > 1 && envelope.account_id && `(${envelope.account_id})`]
          .filter(Boolean)
          .join(' '),
        longestLine,
      ),
    })),
    first: first.envelope,
  };
}

function urgencyOf({ severity }: { readonly severity: Severity }): number {
  return severities.indexOf(severity);
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function ownerOf(accounts: ReadonlySet<string | null>): string {
  if (accounts.size > 1) return ` of ${accounts.size} accounts`;
  const [account = null] = accounts;
  return account === null ? '' : ` of ${account}`;
}

/** When it happened, as RFC 3339; empty where the route has left that out. */
function momentOf({ occurred_at: at }: ShapedEnvelope): string {
  return at ?? '';
}

function timeOf(envelope: ShapedEnvelope): string {
  return momentOf(envelope).slice(11, 16);
}

/** From the first to the last, with the days where these differ. */
function spanOf(batch: readonly ShapedEnvelope[]): string {
  const moments = batch.map(momentOf).filter(Boolean).sort();
  const [first, last] = [moments[0], moments.at(-1)];
  if (first === undefined || last === undefined) return '';
  const isOneDay = first.slice(0, 10) === last.slice(0, 10);
  const [from, to] = [first, last].map((moment) => moment.slice(isOneDay ? 11 : 0, 16).replace('T', ' '));
  return `, ${from === to ? from : `${from}${isOneDay ? '–' : ' – '}${to}`} UTC`;
}

/** @param titles of events, the most urgent first */
function countsOf(titles: readonly string[]): Fact[] {
  const counts = [...Map.groupBy(titles, (title) => title)].map(([name, { length }]) => ({ name, count: length }));
  const others = counts.slice(mostEvents).reduce((sum, { count }) => sum + count, 0);
  const named = counts.slice(0, mostEvents).map(({ name, count }) => ({ name, value: String(count) }));
  return others === 0 ? named : [...named, { name: 'Other events', value: String(others) }];
}

/** Whoever sees a round number wants to know whether that was all. */
function cutNote(count: number): Fact[] {
  if (count < mostInDigest) return [];
  return [{ name: 'More', value: `in the next message: one tells of ${mostInDigest} at most` }];
}
