import type { TlsFiles } from '../tls.ts';
import type { Mistake } from './check.ts';
import type { BrokerConfig } from './config.ts';
import type { Path } from './place.ts';

/** What is wrong among the options of a broker's TLS, each of which is right by itself. */
export function tlsMistakes({ url, tls }: BrokerConfig, path: Path): readonly Mistake[] {
  if (tls === undefined) return [];
  const mistakes = [...certificateMistakes(tls, path)];
  if (typeof url === 'string' && url.startsWith('amqp:')) {
    const message = 'is not used by a url that begins with amqp://; TLS is amqps://';
    mistakes.unshift({ path: [...path, 'tls'], message });
  }
  return mistakes;
}

/** The same where it stands beside `kazooConfig`, for all brokers of that file. */
export function sharedTlsMistakes(tls: TlsFiles, brokers: readonly { readonly url: string }[]): readonly Mistake[] {
  const mistakes = [...certificateMistakes(tls, ['brokers'])];
  if (brokers.length > 0 && !brokers.some(usesTls)) {
    const message = 'is not used: no URI of that file begins with amqps://';
    mistakes.unshift({ path: ['brokers', 'tls'], message });
  }
  return mistakes;
}

export function usesTls({ url }: { readonly url: string }): boolean {
  return url.startsWith('amqps:');
}

function certificateMistakes(tls: TlsFiles, path: Path): readonly Mistake[] {
  if ((tls.cert === undefined) === (tls.key === undefined)) return [];
  return [{ path: [...path, 'tls'], message: 'needs cert and key, or neither' }];
}
