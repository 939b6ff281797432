import { type PrivateBroker, startPrivateBroker } from '../../src/cli/private-broker.ts';

export type TestBroker = PrivateBroker;

/** A real RabbitMQ for one test file. */
export function startBroker(options: { config?: string } = {}): Promise<TestBroker> {
  return startPrivateBroker(options.config);
}
