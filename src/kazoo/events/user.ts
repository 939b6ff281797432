import type { EventDefinition } from '../event.ts';
import {
  accountDb,
  accountId,
  exampleAccount,
  exampleAccountDb,
  optional,
  requested,
  required,
  secret,
} from './define.ts';

const userId = optional('user_id', 'User-ID', 'string', 'id of the user');

/** People: new users, lost passwords, news for customers. */
export const userEvents: readonly EventDefinition[] = [
  {
    name: 'customer_update',
    aliases: [],
    title: 'Customer update',
    summary: 'A message is to be sent to the users of an account’s customers',
    category: 'user',
    routingKey: 'notifications.user.customer_update',
    fields: [
      accountId,
      optional('recipient_id', 'Recipient-ID', 'string', 'id of the account that is to get it'),
      optional('user_type', 'User-Type', 'string', 'which of its users are to get it'),
      optional('template_id', 'Template-ID', 'string', 'id of the template to send'),
      optional('databag', 'DataBag', 'object', 'data for the template, free in form'),
    ],
    example: requested(
      'customer_update',
      { app: 'crossbar', msgId: '8d0a2c4e6f1b4579e3a5c7b9d1f30624' },
      {
        'Account-ID': exampleAccount,
        'Recipient-ID': '9a8b7c6d5e4f30211203f4e5d6c7b8a9',
        'User-Type': 'admins',
        'Template-ID': 'customer_update_maintenance',
        DataBag: { window: { starts: '2025-11-15 02:00', hours: 2 }, 'Status-Page': 'https://status.example.com' },
      },
    ),
  },
  {
    name: 'desktop_app_welcome',
    aliases: [],
    title: 'Desktop app welcome',
    summary: 'A user may use the desktop app from now on',
    category: 'user',
    routingKey: null,
    fields: [
      accountId,
      userId,
      optional('webphone_enabled', 'Webphone-Enabled', 'boolean', 'whether the app’s web phone may be used too'),
    ],
    example: requested(
      'desktop_app_welcome',
      { app: 'crossbar', version: '5.3.0', msgId: '6a8c0e2f4b1d4397c5e7a9f1d3b50824' },
      { 'Account-ID': exampleAccount, 'User-ID': '1f2e3d4c5b6a79880716253443526170', 'Webphone-Enabled': true },
    ),
  },
  {
    name: 'desktop_webphone_enabled',
    aliases: [],
    title: 'Desktop web phone enabled',
    summary: 'A user may use the web phone of the desktop app from now on',
    category: 'user',
    routingKey: null,
    fields: [accountId, userId],
    example: requested(
      'desktop_webphone_enabled',
      { app: 'crossbar', version: '5.3.0', msgId: '3c5e7a9f1b0d4826e4f6a8c0d2b71593' },
      { 'Account-ID': exampleAccount, 'User-ID': '1f2e3d4c5b6a79880716253443526170' },
    ),
  },
  {
    name: 'new_user',
    aliases: [],
    title: 'New user',
    summary: 'A user was created',
    category: 'user',
    routingKey: 'notifications.user.new',
    once: true,
    fields: [
      accountId,
      { ...userId, required: true },
      secret(optional('password', 'Password', 'string', 'the user’s password in clear text')),
    ],
    example: requested(
      'new_user',
      { app: 'crossbar', msgId: '0a2c4e6f8b1d4357a9c1e3f5b7d08462' },
      { 'Account-ID': exampleAccount, 'User-ID': '1f2e3d4c5b6a79880716253443526170', Password: 'not-a-password' },
    ),
  },
  {
    name: 'password_recovery',
    aliases: [],
    title: 'Password recovery',
    summary: 'Somebody asked to reset a user’s password',
    category: 'user',
    routingKey: 'notifications.user.password_recovery',
    fields: [
      accountId,
      required('email', 'Email', 'string', 'e-mail address of the user'),
      secret(
        required('password_reset_link', 'Password-Reset-Link', 'string', 'link that lets its holder set the password'),
      ),
      optional('first_name', 'First-Name', 'string', 'first name of the user'),
      optional('last_name', 'Last-Name', 'string', 'last name of the user'),
      userId,
      optional('timezone', 'Timezone', 'string', 'time zone of the user'),
      accountDb,
    ],
    example: requested(
      'password_recovery',
      { app: 'crossbar', msgId: '4e6f8b0d2a1c4795b3d5f7c9e1a30862' },
      {
        'Account-ID': exampleAccount,
        'Account-DB': exampleAccountDb,
        Email: 'dana.reyes@example.com',
        'Password-Reset-Link': 'https://portal.example.com/#/recover/not-a-real-reset-id',
        'First-Name': 'Dana',
        'Last-Name': 'Reyes',
        'User-ID': '1f2e3d4c5b6a79880716253443526170',
        Timezone: 'America/Los_Angeles',
      },
    ),
  },
];
