import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { readNamedFile } from '../../common/fs/named-file.ts';
import type { TlsFiles } from '../../common/net/tls.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { parseKazooBrokers } from '../../kazoo/config-ini.ts';
import type { BrokerConfig } from '../config.ts';
import type { Diagnostic, Issue, OptionPath, SourceLocation } from '../diagnostics.ts';
import { brokerOptions, kazooConfigOptions } from '../options.ts';
import { check } from './check.ts';

/** What `brokers` says, checked. */
export interface Brokers {
  readonly brokers: readonly BrokerConfig[];
  /** Where they come from KAZOO's own configuration. */
  readonly kazoo: KazooBrokers | undefined;
}

/** @param errors those that are found are added to it */
export function checkBrokers(value: unknown, errors: Issue[]): Brokers {
  if (isMapping(value) && !('zone' in value || 'url' in value)) return brokersFromKazoo(value, errors);
  if (Array.isArray(value) && value.length > 0) return { brokers: checkBrokerList(value, errors), kazoo: undefined };
  const message = isMapping(value)
    ? 'is a list: put a dash before each broker, - zone: west'
    : 'must be a list of at least one broker, each with a zone and a url, or a mapping with kazooConfig';
  errors.push({ path: ['brokers'], message });
  return { brokers: [], kazoo: undefined };
}

/** Where an option of one of KAZOO's brokers stands: their TLS is said once for all of them. */
export function kazooConfigPath(path: OptionPath): OptionPath {
  return path[0] === 'brokers' && path[2] === 'tls' ? ['brokers', ...path.slice(2)] : path;
}

function brokersFromKazoo(value: Record<string, unknown>, errors: Issue[]): Brokers {
  const found: Issue[] = [];
  const options = check(value, kazooConfigOptions, ['brokers'], found);
  errors.push(...found);
  if (found.length > 0) return { brokers: [], kazoo: undefined };
  const file = String(options.kazooConfig);
  const kazoo = readKazooBrokers(file, String(options.localZone));
  if (kazoo.unreadable !== undefined) {
    const message = `can't be read: ${kazoo.unreadable}`;
    errors.push({ path: ['brokers', 'kazooConfig'], message, value: JSON.stringify(file) });
  }
  const brokers = checkBrokerList(kazoo.brokers, errors);
  const tls = options.tls as TlsFiles | undefined; // as kazooConfigOptions describe it
  if (tls === undefined) return { brokers, kazoo };
  const isUnused = kazoo.brokers.length > 0 && !kazoo.brokers.some(usesTls);
  const unused = isUnused ? 'is not used: no URI of that file begins with amqps://' : undefined;
  errors.push(...tlsIssues(tls, ['brokers', 'tls'], unused));
  return { brokers: brokers.map((broker) => (usesTls(broker) ? { ...broker, tls } : broker)), kazoo };
}

/** Brokers that KAZOO's own configuration names, each with its place in that file. */
interface KazooBrokers {
  readonly file: string;
  readonly brokers: readonly { readonly zone: string; readonly url: string }[];
  readonly errors: readonly Diagnostic[];
  /** Why the file can't be read, where it can't. */
  readonly unreadable?: string;
  /** Where a broker, or an option of one that the file can hold, stands in it; undefined for any other path. */
  locationOf(path: OptionPath): SourceLocation | undefined;
}

/** @param localZone the zone of brokers outside of KAZOO's zones */
function readKazooBrokers(file: string, localZone: string): KazooBrokers {
  const nothing: KazooBrokers = { file, brokers: [], errors: [], locationOf: () => undefined };
  let text: string;
  try {
    // Also one whose comments are in another encoding than UTF-8.
    text = readNamedFile(file).toString();
  } catch (cause) {
    return { ...nothing, unreadable: fileReasonOf(cause) };
  }
  const { brokers, mistakes: errors } = parseKazooBrokers(text, localZone);
  if (brokers.length === 0 && errors.length === 0) {
    const message = 'names no broker: it has neither uri or amqp_uri under [amqp], nor a [zone] with one';
    return { ...nothing, errors: [{ source: file, option: '', message }] };
  }
  return {
    file,
    brokers: brokers.map(({ zone, url }) => ({ zone, url })),
    errors: errors.map(({ line, message }) => ({ source: file, line, column: 1, option: '', message })),
    locationOf([first, index, option]) {
      const isHere = first === 'brokers' && typeof index === 'number' && option !== 'tls';
      const broker = isHere ? brokers[index] : undefined;
      return broker === undefined ? undefined : { source: file, line: broker.line, column: 1 };
    },
  };
}

function checkBrokerList(brokers: readonly unknown[], errors: Issue[]): BrokerConfig[] {
  return brokers.map((value, index) => {
    const path = ['brokers', index];
    // What brokerOptions describe is a BrokerConfig, as long as there was no error.
    const broker = check(value, brokerOptions, path, errors) as unknown as BrokerConfig;
    const isUnused = typeof broker.url === 'string' && broker.url.startsWith('amqp:');
    const unused = isUnused ? 'is not used by a url that begins with amqp://; TLS is amqps://' : undefined;
    if (broker.tls !== undefined) errors.push(...tlsIssues(broker.tls, [...path, 'tls'], unused));
    return broker;
  });
}

function usesTls({ url }: { readonly url: unknown }): boolean {
  return typeof url === 'string' && url.startsWith('amqps:');
}

/** What is wrong among the options of a TLS, each of which is right by itself. */
function tlsIssues({ cert, key }: TlsFiles, path: OptionPath, unused: string | undefined): Issue[] {
  const messages = unused === undefined ? [] : [unused];
  if ((cert === undefined) !== (key === undefined)) messages.push('needs cert and key, or neither');
  return messages.map((message) => ({ path, message }));
}
