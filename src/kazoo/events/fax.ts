import type { JsonObject } from '../../common/json.ts';
import type { EventDefinition, EventField } from '../event.ts';
import {
  accountId,
  callerId,
  callId,
  exampleAccount,
  exampleRealm,
  faxboxId,
  fromAndTo,
  numbers,
  optional,
  ownerId,
  requested,
  required,
  timestamp,
} from './define.ts';

const faxId = required('fax_id', 'Fax-ID', 'string', 'id of the fax');
const faxJobId = required('fax_jobid', 'Fax-JobId', 'string', 'id of the job that sends the fax');
const faxError = optional('fax_error', 'Fax-Error', 'string', 'what went wrong');
const calleeName = optional('callee_id_name', 'Callee-ID-Name', 'string', 'name of the called party');

const transfer: readonly EventField[] = [
  callId,
  faxboxId,
  optional('fax_timestamp', 'Fax-Timestamp', 'gregorian', 'when the fax was transferred'),
  optional('fax_info', 'Fax-Info', 'object', 'how the transfer went: pages, rate, result'),
  optional('fax_notifications', 'Fax-Notifications', 'object', 'who is to be notified, and how'),
];

const calleeNumber = optional('callee_id_number', 'Callee-ID-Number', 'string', 'number of the called party');
const inbound: readonly EventField[] = [
  ...transfer,
  ...callerId(),
  calleeName,
  calleeNumber,
  ...fromAndTo(required),
  ownerId,
];

const inboundExample: JsonObject = {
  'Account-ID': exampleAccount,
  'Call-ID': 'c41e77a0-9b2d4f@203.0.113.61',
  'FaxBox-ID': '64c0ffee9a1b4d2e8f7a6b5c4d3e2f10',
  'Caller-ID-Name': 'Northwind Supply',
  'Caller-ID-Number': '+14155550144',
  'Callee-ID-Name': 'Acme fax',
  'Callee-ID-Number': '+14155550109',
  'From-User': '+14155550144',
  'From-Realm': 'sip.carrier.example.com',
  'To-User': '+14155550109',
  'To-Realm': exampleRealm,
  'Owner-ID': '1f2e3d4c5b6a79880716253443526170',
  'Fax-Notifications': { email: { send_to: ['fax@example.com'] } },
};

const outboundExample: JsonObject = {
  'Account-ID': exampleAccount,
  'Call-ID': 'fax-0d9e8c7b6a5f4e3d',
  'Fax-JobId': 'f0a1b2c3d4e5f60718293a4b5c6d7e8f',
  'FaxBox-ID': '64c0ffee9a1b4d2e8f7a6b5c4d3e2f10',
  'Caller-ID-Name': 'Acme fax',
  'Caller-ID-Number': '+14155550109',
  'Callee-ID-Name': 'Northwind Supply',
  'Callee-ID-Number': '+14155550144',
  'Fax-Notifications': { email: { send_to: ['fax@example.com'] } },
};

/** Faxes received, sent, and failed. */
export const faxEvents: readonly EventDefinition[] = [
  {
    name: 'inbound_fax',
    aliases: [],
    title: 'Fax received',
    summary: 'A fax was received',
    category: 'fax',
    routingKey: 'notifications.fax.inbound',
    fields: [accountId, faxId, ...inbound],
    example: requested(
      'inbound_fax',
      { app: 'fax', msgId: '4b8e1d7c3a0f4926b5d1e8c7f6a02394', node: 'kazoo_apps@apps2.example.com' },
      {
        ...inboundExample,
        'Fax-ID': '202511-7c1a9e4b5d3f4a2c8e6b0d9f1a2c3e45',
        'Fax-Timestamp': 63930006318,
        'Fax-Info': {
          fax_transferred_pages: 3,
          fax_total_pages: 3,
          fax_transfer_rate: 14400,
          fax_success: true,
          'Result-Text': 'OK',
        },
      },
    ),
  },
  {
    name: 'inbound_fax_error',
    aliases: [],
    title: 'Fax reception failed',
    summary: 'A fax could not be received',
    category: 'fax',
    routingKey: 'notifications.fax.inbound_error',
    fields: [
      accountId,
      optional('fax_id', 'Fax-ID', 'string', 'id of the fax'),
      faxError,
      optional('fax_result_code', 'Fax-Result-Code', 'string', 'code of the result'),
      ...inbound,
    ],
    example: requested(
      'inbound_fax_error',
      { app: 'fax', msgId: 'c93a7e0d4f1b48629e5c8a1d7b0f6e23', node: 'kazoo_apps@apps2.example.com' },
      {
        ...inboundExample,
        'Fax-ID': '202511-0e5d4c3b2a1f49688776655443322110',
        'Fax-Error': 'The call dropped prematurely',
        'Fax-Result-Code': '49',
        'Fax-Timestamp': 63930007102,
        'Fax-Info': { fax_transferred_pages: 1, fax_total_pages: 4, fax_success: false },
      },
    ),
  },
  {
    name: 'outbound_fax',
    aliases: [],
    title: 'Fax sent',
    summary: 'A fax was sent',
    category: 'fax',
    routingKey: 'notifications.fax.outbound',
    fields: [
      accountId,
      faxId,
      faxJobId,
      ...callerId(required),
      calleeName,
      { ...calleeNumber, required: true },
      ...transfer,
    ],
    example: requested(
      'outbound_fax',
      { app: 'fax', msgId: '1a7d3f9e5c2b4086ad94e7b0c8f61d35' },
      {
        ...outboundExample,
        'Fax-ID': '202511-f0a1b2c3d4e5f60718293a4b5c6d7e8f',
        'Fax-Timestamp': 63930012855,
        'Fax-Info': { fax_transferred_pages: 2, fax_total_pages: 2, fax_transfer_rate: 14400, fax_success: true },
      },
    ),
  },
  {
    name: 'outbound_fax_error',
    aliases: [],
    title: 'Fax sending failed',
    summary: 'A fax could not be sent',
    category: 'fax',
    routingKey: 'notifications.fax.outbound_error',
    fields: [
      { ...accountId, required: false },
      faxId,
      faxJobId,
      faxError,
      ...callerId(),
      calleeName,
      calleeNumber,
      ...transfer,
    ],
    example: requested(
      'outbound_fax_error',
      { app: 'fax', msgId: 'b0e6c4a8d2f1497385b7d9e3f0a1c264' },
      {
        ...outboundExample,
        'Fax-ID': '202511-a9b8c7d6e5f4031221304f5e6d7c8b9a',
        'Fax-Error': 'No answer',
        'Fax-Timestamp': 63930013540,
        'Fax-Info': { fax_transferred_pages: 0, fax_total_pages: 2, fax_success: false },
      },
    ),
  },
  {
    name: 'outbound_smtp_fax_error',
    aliases: [],
    title: 'Fax by e-mail refused',
    summary: 'An e-mail that was to be sent as a fax was refused',
    category: 'fax',
    routingKey: 'notifications.fax.outbound_smtp_error',
    fields: [
      accountId,
      required('errors', 'Errors', 'string[]', 'why it was refused'),
      required('fax_from_email', 'Fax-From-Email', 'string', 'address the e-mail came from'),
      timestamp(required),
      optional('fax_to_email', 'Fax-To-Email', 'string', 'address the e-mail was sent to'),
      numbers,
      optional('original_number', 'Original-Number', 'string', 'the number as the e-mail gave it'),
      faxboxId,
      optional('faxbox_name', 'FaxBox-Name', 'string', 'name of the fax box'),
      optional('faxbox_timezone', 'FaxBox-Timezone', 'string', 'time zone of the fax box'),
      ownerId,
    ],
    example: requested(
      'outbound_smtp_fax_error',
      { app: 'fax', msgId: '7d0c9b8a6e5f41328f1e4d3c2b5a6079' },
      {
        'Account-ID': exampleAccount,
        Errors: ['no valid attachment', 'address is not allowed to send faxes'],
        'Fax-From-Email': 'dana.reyes@example.com',
        'Fax-To-Email': '14155550144@fax.example.com',
        Number: '+14155550144',
        'Original-Number': '14155550144',
        'FaxBox-ID': '64c0ffee9a1b4d2e8f7a6b5c4d3e2f10',
        'FaxBox-Name': 'Acme fax',
        'FaxBox-Timezone': 'America/Los_Angeles',
        'Owner-ID': '1f2e3d4c5b6a79880716253443526170',
        Timestamp: 63930014277,
      },
    ),
  },
];
