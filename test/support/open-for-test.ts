import { afterEach } from '@jest/globals';
import { type Receiver, startReceiver } from './receiver.ts';
import { type OpenWebhook, openWebhook } from './webhook.ts';

/** Opens receivers and sinks for a test file, and closes them after each test, the last one first. */
export function openForTest() {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  return {
    /** Whatever else is to be closed. */
    open,
    async receive(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
      const receiver = await startReceiver(...args);
      open.push(receiver);
      return receiver;
    },
    /** Through no proxy, unless the options name one. */
    async webhook(options: object): Promise<OpenWebhook> {
      const sink = await openWebhook({ proxy: 'none', ...options });
      open.push(sink);
      return sink;
    },
  };
}
