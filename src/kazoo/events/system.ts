import type { EventDefinition } from '../event.ts';
import { accountId, announced, exampleAccount, optional, required } from './define.ts';

/** Events that KAZOO reports about itself. */
export const systemEvents: readonly EventDefinition[] = [
  {
    name: 'system_alert',
    aliases: [],
    title: 'System alert',
    summary: 'A part of KAZOO reports a fault or something else that its operator should know',
    category: 'system',
    routingKey: 'notifications.system.alert',
    fields: [
      required('subject', 'Subject', 'string', 'what it is about'),
      required('message', 'Message', 'string', 'what happened'),
      optional(
        'details',
        'Details',
        'object',
        'whatever the reporting part knows; free in form, may hold request headers',
      ),
      { ...accountId, required: false },
      optional('node', 'Node', 'string', 'KAZOO node that reports'),
      optional('section', 'Section', 'string', 'part of the code that reports'),
      optional('module', 'Module', 'string', 'Erlang module that reports'),
      optional('line', 'Line', 'string|integer', 'line in the module’s source'),
      optional('pid', 'Pid', 'string', 'Erlang process that reports'),
      optional('request_id', 'Request-ID', 'string', 'id of the request that was being handled'),
    ],
    example: announced(
      'system_alert',
      { app: '4.3.142', version: 'crossbar', msgId: 'd2f4a6c8e0b14793f5a7c9d1b3e50286' },
      {
        Subject: 'KAZOO: request failed',
        Message: 'the request ended with an internal error',
        Details: {
          account_id: exampleAccount,
          'Response-Code': 500,
          req_headers: { 'x-auth-token': 'example-auth-token', 'user-agent': 'curl/8.5.0' },
          'Req-Data': { data: { password: 'not-a-password' } },
        },
        Section: 'crossbar',
        Module: 'api_util',
        Line: 1207,
        Pid: '<0.28163.4>',
        'Request-ID': '4f6b8d0a2c1e4957d3f5b7a9c1e30682',
      },
    ),
  },
];
