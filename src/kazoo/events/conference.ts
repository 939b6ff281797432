import type { EventDefinition } from '../event.ts';
import { exampleAccount, optional, requested, secret } from './define.ts';

/** Conferences. */
export const conferenceEvents: readonly EventDefinition[] = [
  {
    name: 'email_invite',
    aliases: [],
    title: 'Conference invitation',
    summary: 'Guests are to be invited to a conference by e-mail',
    category: 'conference',
    routingKey: null,
    fields: [
      optional('conference_id', 'Conference-ID', 'string', 'id of the conference'),
      optional('conference_name', 'Conference-Name', 'string', 'name of the conference'),
      optional('conference_link', 'Conference-Link', 'string', 'link that leads to the conference'),
      optional('conference_numbers', 'Conference-Numbers', 'string[]', 'numbers that the conference has'),
      optional('conference_call_in_numbers', 'Conference-Call-In-Numbers', 'string[]', 'numbers to call in with'),
      secret(
        optional('conference_participant_pins', 'Conference-Participant-Pins', 'string[]', 'PINs that let guests in'),
      ),
      optional('invite_message', 'Invite-Message', 'string', 'what the guests are to read'),
      optional('guests', 'Guests', 'object[]|string[]', 'who is invited'),
    ],
    example: requested(
      'email_invite',
      { app: 'crossbar', version: '5.3.0', msgId: '9e1a3c5f7b0d4268a4c6e8f0b2d71359' },
      {
        'Account-ID': exampleAccount,
        'Conference-ID': '7d6c5b4a3f2e4198807162534435261f',
        'Conference-Name': 'Weekly sales call',
        'Conference-Link': 'https://meet.example.com/weekly-sales',
        'Conference-Numbers': ['2000'],
        'Conference-Call-In-Numbers': ['+14155550190'],
        'Conference-Participant-Pins': ['0000'],
        'Invite-Message': 'Please join us on Monday.',
        Guests: [{ name: 'Robin Okafor', email: 'robin.okafor@example.com' }],
      },
    ),
  },
];
