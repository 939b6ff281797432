import type { JsonObject } from '../../common/json.ts';
import type { EventDefinition, EventField } from '../event.ts';
import {
  accountId,
  exampleAccount,
  localNumber,
  numberState,
  numbers,
  optional,
  requested,
  required,
} from './define.ts';

const port: readonly EventField[] = [
  accountId,
  optional('port_request_id', 'Port-Request-ID', 'string', 'id of the port request; KAZOO 4.2 may leave it out'),
  optional('port', 'Port', 'object', 'data of the port request'),
  optional('reason', 'Reason', 'object', 'who moved the request on, when, and why'),
  numbers,
  numberState,
  localNumber,
  optional('authorized_by', 'Authorized-By', 'string', 'id of the account that authorised it'),
  optional('version', 'Version', 'string', 'version of the data'),
];

interface PortEvent {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly msgId: string;
  /** Fields that only this event's example has. */
  readonly own: JsonObject;
}

/** Each of these is published when a port request goes to the state that its name tells. */
function portEvent({ name, title, summary, msgId, own }: PortEvent): EventDefinition {
  return {
    name,
    aliases: [],
    title,
    summary,
    category: 'number',
    routingKey: `notifications.number.${name}`,
    fields: port,
    example: requested(name, { app: 'crossbar', msgId }, { ...portExample, ...own }),
  };
}

const portExample: JsonObject = {
  'Account-ID': exampleAccount,
  'Port-Request-ID': '8c7b6a5f4e3d42c1b0a9f8e7d6c5b4a3',
  Number: ['+14155550130', '+14155550131'],
  'Number-State': 'port_in',
  'Local-Number': false,
  'Authorized-By': '9a8b7c6d5e4f30211203f4e5d6c7b8a9',
};

const portComment = portEvent({
  name: 'port_comment',
  title: 'Comment on a port request',
  summary: 'Somebody commented on a port request',
  msgId: '2e6f8a0c4d1b4957b3c5e7f9a0d2c418',
  own: {
    Comment: {
      user_id: '1f2e3d4c5b6a79880716253443526170',
      account_id: exampleAccount,
      author: 'Dana Reyes',
      content: 'The latest bill is attached.',
      timestamp: 63930080415,
    },
  },
});

/** Phone numbers that are ported in, and the names that they show. */
export const numberEvents: readonly EventDefinition[] = [
  {
    name: 'cnam_request',
    aliases: [],
    title: 'Caller name requested',
    summary: 'A number is to show another name to those it calls',
    category: 'number',
    routingKey: 'notifications.number.cnam_request',
    fields: [
      accountId,
      required('cnam', 'Cnam', 'object', 'the name that is asked for'),
      required('number', 'Number', 'string|string[]', 'phone number, or several'),
      numberState,
      localNumber,
      optional('acquired_for', 'Acquired-For', 'string', 'id of the account that the number was acquired for'),
      optional('request', 'Request', 'object', 'the request that asked for it'),
    ],
    example: requested(
      'cnam_request',
      { app: '4.3.142', version: 'crossbar', msgId: 'f5a9c1e7d3b04826947c0e8b6d2f1a53' },
      {
        'Account-ID': exampleAccount,
        Cnam: { display_name: 'ACME WIDGETS', inbound_lookup: true },
        Number: '+14155550100',
        'Number-State': 'in_service',
        'Local-Number': false,
        'Acquired-For': exampleAccount,
        Request: { 'Account-ID': exampleAccount, features: ['outbound_cnam'] },
      },
    ),
  },
  portEvent({
    name: 'port_cancel',
    title: 'Port request cancelled',
    summary: 'A port request was cancelled',
    msgId: '9d1c3e5f7a0b42688c4e6d8f0a1b2c37',
    own: { Reason: { content: 'The customer stays with the present carrier', timestamp: 63930611208 } },
  }),
  {
    ...portComment,
    fields: [...portComment.fields, required('comment', 'Comment', 'object', 'the comment, its author and its time')],
  },
  portEvent({
    name: 'port_pending',
    title: 'Port request pending',
    summary: 'A port request was handed to the carrier and waits for its answer',
    msgId: '3b5d7f9a1c0e4284a6c8e0f2d4b69157',
    own: { Port: { name: 'Head office', carrier: 'Northwind Telecom', port_state: 'pending' }, Version: '4.3.142' },
  }),
  portEvent({
    name: 'port_rejected',
    title: 'Port request rejected',
    summary: 'A port request was rejected',
    msgId: '6a8c0e2f4b1d4739b5d7f9a1c3e50826',
    own: { Reason: { content: 'The address differs from the bill', timestamp: 63930252031 } },
  }),
  portEvent({
    name: 'port_request',
    title: 'Port requested',
    summary: 'A port request was submitted',
    msgId: '0c2e4f6a8b1d4395a7c9e1f3b5d70246',
    own: {
      Port: { name: 'Head office', carrier: 'Northwind Telecom', bill: { name: 'Acme Widgets', region: 'CA' } },
      Version: '4.3.142',
    },
  }),
  portEvent({
    name: 'port_scheduled',
    title: 'Port scheduled',
    summary: 'The carrier has set the date of a port',
    msgId: '7e9a1b3c5d0f4682b4d6f8a0c2e41357',
    own: { Port: { name: 'Head office', scheduled_date: 63931248000, 'Winning-Carrier': 'Example Carrier' } },
  }),
  portEvent({
    name: 'port_unconfirmed',
    title: 'Port request unconfirmed',
    summary: 'A port request was created and not yet submitted',
    msgId: '5f7b9d1e3a0c4826c8e0f2a4b6d80193',
    own: { Port: { name: 'Head office', port_state: 'unconfirmed' } },
  }),
  portEvent({
    name: 'ported',
    title: 'Numbers ported',
    summary: 'A port is complete: the numbers are in service',
    msgId: '1d3f5b7c9e0a4268d0f2a4c6e8b13579',
    own: { 'Number-State': 'in_service', Reason: { content: 'Completed', timestamp: 63931251644 } },
  }),
];
