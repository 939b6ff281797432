import type { Body } from './body.ts';

/** What has happened; undefined for an event that has no sentence here, whose name may be any text. */
export function sentenceOf(event: string, body: Body): string | undefined {
  return Object.hasOwn(sentences, event) ? sentences[event]?.(body) : undefined;
}

/** One line each. Any other event is told by its title in the catalogue. */
export const sentences: Readonly<Record<string, (body: Body) => string>> = {
  account_deleted: (b) => `Account deleted${detail(b, 'account_name')}`,
  account_zone_change: () => 'An account has moved to other zones',
  bill_reminder: () => 'A bill will soon be due',
  cf_notification: (b) => `Call${b.from}${b.after('to', 'to_user')}`,
  cnam_request: (b) => `Caller name requested${b.after('for', 'number')}`,
  customer_update: () => 'A message to customers was sent',
  denied_emergency_bridge: (b) => `Emergency call DENIED${b.after('from', 'outbound_caller_id_number')}`,
  deregister: (b) => `Phone no longer registered${detail(b, 'username')}`,
  desktop_app_welcome: () => 'A user got the desktop app',
  desktop_webphone_enabled: () => 'A user got the web phone',
  email_invite: (b) => `Invitation to the conference${detail(b, 'conference_name')}`,
  email_verification: (b) => `E-mail address to be verified${detail(b, 'email')}`,
  emergency_bridge: (b) =>
    `${b.of('emergency_test_call') === true ? 'Test of an emergency call' : 'EMERGENCY CALL'}${b.after('from', 'emergency_caller_id_number')}${b.after('to', 'emergency_to_did')}`,
  first_occurrence: (b) => `First ${b.text('occurrence') || 'call or registration'} of an account`,
  inbound_fax: (b) => `Fax received${b.from}`,
  inbound_fax_error: (b) => `Fax NOT received${b.from}${detail(b, 'fax_error')}`,
  low_balance: (b) => `Low balance${balance(b)}`,
  missed_call: (b) => `Missed call${b.from}${b.after('to', 'to_user')}`,
  new_account: (b) => `New account${detail(b, 'account_name')}`,
  new_user: () => 'New user',
  number_feature_manual_action: (b) => `A feature of a number needs to be set by hand${detail(b, 'number')}`,
  outbound_fax: (b) => `Fax sent${b.after('to', 'callee_id_number')}`,
  outbound_fax_error: (b) => `Fax NOT sent${b.after('to', 'callee_id_number')}${detail(b, 'fax_error')}`,
  outbound_smtp_fax_error: (b) => `Fax by e-mail NOT sent${b.after('to', 'number')}${detail(b, 'errors')}`,
  password_recovery: (b) => `Password recovery${b.after('for', 'email')}`,
  port_cancel: (b) => `Port request cancelled${numbers(b)}`,
  port_comment: (b) => `Comment on a port request${numbers(b)}`,
  port_pending: (b) => `Port request pending${numbers(b)}`,
  port_rejected: (b) => `Port request REJECTED${numbers(b)}`,
  port_request: (b) => `New port request${numbers(b)}`,
  port_scheduled: (b) => `Port scheduled${numbers(b)}`,
  port_unconfirmed: (b) => `Port request not yet confirmed${numbers(b)}`,
  ported: (b) => `Ported${numbers(b)}`,
  register: (b) => `Phone registered${detail(b, 'username')}`,
  service_added: () => 'Services added to an account',
  system_alert: (b) => b.text('subject') || b.text('message') || 'Alert of the phone system',
  topup: (b) => payment(b, 'Balance topped up', 'Top-up FAILED'),
  transaction: (b) => payment(b, 'Payment taken', 'Payment FAILED'),
  voicemail_deleted: (b) => `Voicemail deleted${b.from}${b.after('in box', 'voicemail_box')}`,
  voicemail_full: (b) => `Voicemail box full${detail(b, 'voicemail_box')}${b.after('has', 'message_count')}`,
  voicemail_new: (b) => `New voicemail${b.from}${b.after('in box', 'voicemail_box')}`,
  voicemail_saved: (b) => `Voicemail saved${b.from}${b.after('in box', 'voicemail_box')}`,
  webhook: () => 'A call went through a callflow with a webhook',
  webhook_disabled: (b) => `KAZOO has disabled a webhook${detail(b, 'hook_id')}`,
};

function numbers(body: Body): string {
  return body.after('for', 'number');
}

/** What it is about, or why. */
function detail(body: Body, name: string): string {
  const text = body.text(name);
  return text === '' ? '' : `: ${text}`;
}

/** KAZOO says it in 1/10000 of a unit. */
function balance(body: Body): string {
  const value = body.of('current_balance');
  return typeof value === 'number' ? `: ${(value / 10_000).toFixed(2)}` : '';
}

/** KAZOO 4.2 writes both as text. */
export function hasFailed(body: Body): boolean {
  return ['false', false].includes(body.of('success') as string | boolean); // any other value is neither
}

function payment(body: Body, done: string, failed: string): string {
  const what = hasFailed(body) ? failed : done;
  const amount = body.text('amount');
  return amount === '' ? what : `${what}: ${amount} ${body.text('currency_code')}`;
}
