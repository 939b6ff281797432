import type { JsonObject } from '../../common/json.ts';
import type { EventDefinition, EventField } from '../event.ts';
import {
  accountId,
  announced,
  callerId,
  callId,
  exampleAccount,
  exampleRealm,
  fromAndTo,
  optional,
  requested,
  required,
} from './define.ts';

const transcription = 'the message as text, or the speech provider’s whole answer with it in text';
const voicemailBox = required('voicemail_box', 'Voicemail-Box', 'string', 'id of the voicemail box');

/** Two numbers come as digits in a string when a message is deleted. */
function message(lengthType: 'integer' | 'numeric string', timeType: 'gregorian' | 'numeric string'): EventField[] {
  return [
    accountId,
    voicemailBox,
    required('voicemail_id', 'Voicemail-ID', 'string', 'id of the message'),
    required('voicemail_timestamp', 'Voicemail-Timestamp', timeType, 'when the message was left'),
    optional('voicemail_length', 'Voicemail-Length', lengthType, 'length of the recording'),
    optional('voicemail_transcription', 'Voicemail-Transcription', 'string|object', transcription),
    callId,
    ...callerId(),
    ...fromAndTo(required),
  ];
}

const messageExample: JsonObject = {
  'Account-ID': exampleAccount,
  'Voicemail-Box': '5d4c3b2a1f0e4d9c8b7a695847362514',
  'Voicemail-ID': '202511-3a5c7e9f1b2d40688ace02468bdf1357',
  'Call-ID': '7f3a91c2-4d5e6f70@203.0.113.24',
  'Caller-ID-Name': 'Dana Reyes',
  'Caller-ID-Number': '+14155550123',
  'From-User': '+14155550123',
  'From-Realm': 'sip.carrier.example.com',
  'To-User': '+14155550100',
  'To-Realm': exampleRealm,
};

/** Voicemail boxes and the messages in them. */
export const voicemailEvents: readonly EventDefinition[] = [
  {
    name: 'voicemail_deleted',
    aliases: [],
    title: 'Voicemail deleted',
    summary: 'A voicemail message was deleted',
    category: 'voicemail',
    routingKey: 'notifications.voicemail.deleted',
    happensAtPublish: true,
    fields: [
      ...message('numeric string', 'numeric string'),
      required('reason', 'Reason', 'string', 'why the message was deleted'),
    ],
    example: announced(
      'voicemail_deleted',
      { app: 'callflow', version: '5.0.3', msgId: 'a0c2e4f6b8d14937c5e7f9b1d3a50264' },
      {
        ...messageExample,
        'Voicemail-Length': '14260',
        'Voicemail-Timestamp': '63930003760',
        Reason: 'dtmf',
      },
    ),
  },
  {
    name: 'voicemail_full',
    aliases: [],
    title: 'Voicemail box full',
    summary: 'A voicemail box holds as many messages as it may',
    category: 'voicemail',
    routingKey: 'notifications.voicemail.full',
    fields: [
      accountId,
      voicemailBox,
      required('max_message_count', 'Max-Message-Count', 'integer', 'how many messages the box may hold'),
      required('message_count', 'Message-Count', 'integer', 'how many messages the box holds'),
    ],
    example: requested(
      'voicemail_full',
      { app: 'callflow', msgId: '6c8e0f2a4b1d4597d3f5a7c9b1e30648' },
      {
        'Account-ID': exampleAccount,
        'Voicemail-Box': '5d4c3b2a1f0e4d9c8b7a695847362514',
        'Max-Message-Count': 100,
        'Message-Count': 100,
      },
    ),
  },
  {
    name: 'voicemail_new',
    aliases: [],
    title: 'New voicemail',
    summary: 'A caller left a voicemail message',
    category: 'voicemail',
    routingKey: 'notifications.voicemail.new',
    fields: message('integer', 'gregorian'),
    example: requested(
      'voicemail_new',
      { app: 'callflow', msgId: '2a4c6e8f0b1d4379e5a7c9f1b3d50682' },
      {
        ...messageExample,
        'Voicemail-Length': 14260,
        'Voicemail-Timestamp': 63930003760,
        'Voicemail-Transcription': 'Hi, this is Dana. Please call me back about the order.',
      },
    ),
  },
  {
    name: 'voicemail_saved',
    aliases: [],
    title: 'Voicemail saved',
    summary: 'A voicemail message was saved in its box',
    category: 'voicemail',
    routingKey: 'notifications.voicemail.saved',
    fields: message('integer', 'gregorian'),
    example: announced(
      'voicemail_saved',
      { app: 'callflow', msgId: 'e4f6a8b0c2d14759f3b5d7a9c1e30826' },
      {
        ...messageExample,
        'Voicemail-Length': 14260,
        'Voicemail-Timestamp': 63930003760,
        'Voicemail-Transcription': { result: 'success', text: 'Hi, this is Dana.' },
      },
    ),
  },
];
