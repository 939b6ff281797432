import type { Mistake } from './check.ts';
import type { BrokerConfig } from './config.ts';
import type { Path } from './place.ts';

/** What is wrong among the options of a broker's TLS, each of which is right by itself. */
export function tlsMistakes({ url, tls }: BrokerConfig, path: Path): readonly Mistake[] {
  if (tls === undefined) return [];
  const mistakes: Mistake[] = [];
  if (typeof url === 'string' && url.startsWith('amqp:')) {
    mistakes.push({
      path: [...path, 'tls'],
      message: 'is not used by a url that begins with amqp://; TLS is amqps://',
    });
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    mistakes.push({ path: [...path, 'tls'], message: 'needs cert and key, or neither' });
  }
  return mistakes;
}
