import type { TlsFiles } from '../../common/net/tls.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import type { BrokerConfig } from '../config.ts';
import type { Mistake, Path } from '../diagnostics.ts';
import { brokerOptions, kazooConfigOptions } from '../options.ts';
import { type KazooBrokers, readKazooBrokers } from '../read/kazoo-brokers.ts';
import { check } from './check.ts';

/** What `brokers` says, checked. */
export interface Brokers {
  readonly brokers: readonly BrokerConfig[];
  /** Where they come from KAZOO's own configuration. */
  readonly kazoo: KazooBrokers | undefined;
}

/** @param mistakes gets those that are found */
export function checkBrokers(value: unknown, mistakes: Mistake[]): Brokers {
  if (isMapping(value) && !('zone' in value || 'url' in value)) return kazoosBrokers(value, mistakes);
  if (Array.isArray(value) && value.length > 0) return { brokers: checkEach(value, mistakes), kazoo: undefined };
  const message = 'must be a list of at least one broker, each with a zone and a url, or a mapping with kazooConfig';
  mistakes.push({ path: ['brokers'], message });
  return { brokers: [], kazoo: undefined };
}

/** Where an option of one of KAZOO's brokers stands: their TLS is said once for all of them. */
export function kazoosPath(path: Path): Path {
  return path[0] === 'brokers' && path[2] === 'tls' ? ['brokers', ...path.slice(2)] : path;
}

function kazoosBrokers(value: Record<string, unknown>, mistakes: Mistake[]): Brokers {
  const found: Mistake[] = [];
  const options = check(value, kazooConfigOptions, ['brokers'], found);
  mistakes.push(...found);
  if (found.length > 0) return { brokers: [], kazoo: undefined };
  const file = String(options.kazooConfig);
  const kazoo = readKazooBrokers(file, String(options.localZone));
  if (kazoo.unreadable !== undefined) {
    const message = `can't be read: ${kazoo.unreadable}`;
    mistakes.push({ path: ['brokers', 'kazooConfig'], message, value: JSON.stringify(file) });
  }
  const brokers = checkEach(kazoo.brokers, mistakes);
  const tls = options.tls as TlsFiles | undefined; // as kazooConfigOptions describe it
  if (tls === undefined) return { brokers, kazoo };
  const isUnused = kazoo.brokers.length > 0 && !kazoo.brokers.some(usesTls);
  const unused = isUnused ? 'is not used: no URI of that file begins with amqps://' : undefined;
  mistakes.push(...tlsMistakes(tls, ['brokers', 'tls'], unused));
  return { brokers: brokers.map((broker) => (usesTls(broker) ? { ...broker, tls } : broker)), kazoo };
}

function checkEach(brokers: readonly unknown[], mistakes: Mistake[]): BrokerConfig[] {
  return brokers.map((value, index) => {
    const path = ['brokers', index];
    // What brokerOptions describe is a BrokerConfig, as long as there was no mistake.
    const broker = check(value, brokerOptions, path, mistakes) as unknown as BrokerConfig;
    const isUnused = typeof broker.url === 'string' && broker.url.startsWith('amqp:');
    const unused = isUnused ? 'is not used by a url that begins with amqp://; TLS is amqps://' : undefined;
    if (broker.tls !== undefined) mistakes.push(...tlsMistakes(broker.tls, [...path, 'tls'], unused));
    return broker;
  });
}

function usesTls({ url }: { readonly url: unknown }): boolean {
  return typeof url === 'string' && url.startsWith('amqps:');
}

/** What is wrong among the options of a TLS, each of which is right by itself. */
function tlsMistakes({ cert, key }: TlsFiles, path: Path, unused: string | undefined): Mistake[] {
  const messages = unused === undefined ? [] : [unused];
  if ((cert === undefined) !== (key === undefined)) messages.push('needs cert and key, or neither');
  return messages.map((message) => ({ path, message }));
}
