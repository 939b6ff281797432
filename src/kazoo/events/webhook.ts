import type { EventDefinition } from '../event.ts';
import { accountId, exampleAccount, exampleRealm, optional, requested, required, secret, timestamp } from './define.ts';

/** KAZOO's own webhooks. */
export const webhookEvents: readonly EventDefinition[] = [
  {
    name: 'webhook',
    aliases: [],
    title: 'Callflow webhook',
    summary: 'A call went through a callflow that asks for a webhook to be called',
    category: 'webhook',
    routingKey: 'notifications.webhook.callflow',
    fields: [
      secret(required('hook', 'Hook', 'object', 'the webhook: its URI, which the callflow chose, and custom data')),
      required('data', 'Data', 'object', 'data of the call; its account_id tells the account'),
      { ...accountId, required: false },
      timestamp(optional),
    ],
    example: requested(
      'webhook',
      { app: 'callflow', msgId: '0e2f4b6d8a1c4957b3d5e7f9c1a30268' },
      {
        Hook: {
          uri: 'https://hooks.example.com/in?key=not-a-key',
          http_verb: 'post',
          retries: 2,
          custom_data: { source: 'front-desk' },
        },
        Data: {
          account_id: exampleAccount,
          call_id: '3c9f2e1d-5b6a70@203.0.113.24',
          caller_id_name: 'Robin Okafor',
          caller_id_number: '+14155550177',
          from: `+14155550177@${exampleRealm}`,
          to: `+14155550102@${exampleRealm}`,
        },
        Timestamp: 63930008831,
      },
    ),
  },
  {
    name: 'webhook_disabled',
    aliases: [],
    title: 'Webhook disabled',
    summary: 'KAZOO switched one of its own webhooks off after too many failures',
    category: 'webhook',
    routingKey: 'notifications.webhook.disabled',
    fields: [accountId, required('hook_id', 'Hook-ID', 'string', 'id of the webhook')],
    example: requested(
      'webhook_disabled',
      { app: 'webhooks', msgId: '8a0c2e4f6b1d4537d9f1b3a5c7e08624' },
      { 'Account-ID': exampleAccount, 'Hook-ID': 'c4b3a291807f4e6d9c5b4a3928170f6e' },
    ),
  },
];
