import type { SinkDeclaration } from '../declaration.ts';
import { doubtsAbout } from './doubts.ts';
import { mistakesIn } from './mistakes.ts';
import { needsOf } from './needs.ts';
import { type WebhookOptions, webhookOptions } from './options.ts';
import { relations } from './relations.ts';

export const webhookDeclaration: SinkDeclaration<WebhookOptions> = {
  type: 'webhook',
  summary: 'an HTTP request for each notification, in the format that the receiver wants',
  options: webhookOptions,
  flow: ({ batch, concurrency, rateLimit }) => ({ batch, concurrency: Math.min(concurrency, usefulAt(rateLimit)) }),
  check: mistakesIn,
  relations,
  doubts: doubtsAbout,
  needs: needsOf,
};

/** More requests at a time than this would only wait for their turn, and be late. */
function usefulAt(limit: WebhookOptions['rateLimit']): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.ceil((limit.requests * 5_000) / limit.per));
}
