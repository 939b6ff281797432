import { reasonOf } from '../common/errors.ts';
import { vhostOf } from '../common/net/amqp-url.ts';
import { explainTls } from '../common/net/tls.ts';

/** An error of `amqp.connect`, in words that say what to do where amqplib only names the bytes that it got. */
export function explainConnecting(error: unknown, url: URL): unknown {
  const reason = reasonOf(error);
  if (/^Expected ConnectionOpenOk; got <ConnectionClose/.test(reason)) {
    return new Error(
      `the broker refuses the virtual host "${vhostOf(url)}": there is none of this name, or this user may not use it ` +
        '(rabbitmqctl set_permissions), or no more connections are allowed',
      { cause: error },
    );
  }
  if (/^Frame size \d+ exceeds/.test(reason)) {
    return new Error('what answers there speaks no AMQP: is it the right port (usually 5672)?', { cause: error });
  }
  return url.protocol === 'amqps:' ? explainTls(error) : error;
}
