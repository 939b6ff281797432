import type { Body } from './body.ts';
import { hasFailed } from './sentences.ts';

/** From the least to the most urgent; PagerDuty's names. */
export const severities = ['info', 'warning', 'error', 'critical'] as const;

export type Severity = (typeof severities)[number];

/** Stands before a title. */
export const severityMark: Readonly<Record<Severity, string>> = {
  info: '',
  warning: '⚠ ',
  error: '❗ ',
  critical: '🚨 ',
};

const urgent: Readonly<Record<string, Severity>> = {
  emergency_bridge: 'critical',
  denied_emergency_bridge: 'critical',
  system_alert: 'error',
  inbound_fax_error: 'warning',
  outbound_fax_error: 'warning',
  outbound_smtp_fax_error: 'warning',
  low_balance: 'warning',
  voicemail_full: 'warning',
  port_rejected: 'warning',
  port_unconfirmed: 'warning',
  number_feature_manual_action: 'warning',
  webhook_disabled: 'warning',
  account_deleted: 'warning',
  relay_missing_event: 'error',
  relay_sink_away: 'error',
};

/** How soon a person should look at it. */
export function severityOf(event: string | null, body: Body): Severity {
  if ((event === 'transaction' || event === 'topup') && hasFailed(body)) return 'error';
  if (event === 'emergency_bridge' && body.of('emergency_test_call') === true) return 'info';
  return (event !== null && Object.hasOwn(urgent, event) && urgent[event]) || 'info';
}
