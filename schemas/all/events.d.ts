// Made of the catalogue of events by `npm run schemas`: change that, not this.

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

export interface EnvelopeBase {
  /** the same for every retry and replay, so that a receiver can detect duplicates by it */
  readonly id: string;
  /** the account, or null */
  readonly account_id: string | null;
  /** the zone that the configuration names for the broker */
  readonly zone: string;
  /** the KAZOO node that published it */
  readonly node: string | null;
  /** when it happened: the event’s own time, if it has one, otherwise the time of publishing */
  readonly occurred_at: string;
  /** when kazoo-relay received it */
  readonly received_at: string;
  /** the routing key that it was published with */
  readonly routing_key: string;
  /** what doesn’t fit */
  readonly problems: readonly ({ readonly path: string; readonly message: string; readonly keyword: string })[];
  /** the `id` of the notification that KAZOO has published again, or null */
  readonly resend_of: string | null;
}

/** The name of each event of the catalogue. */
export type EventName = keyof EventData;

/** A notification that fits the schema of its event: `event` says what `data` is. */
export type EventEnvelope<Name extends EventName = EventName> = {
  [One in Name]: EnvelopeBase & {
    readonly event: One;
    readonly category: EventCategory[One];
    readonly valid: true;
    readonly data: EventData[One];
  };
}[Name];

/** A notification of an event that the catalogue doesn't have. */
export interface UnknownEnvelope extends EnvelopeBase {
  readonly event: string;
  readonly category: null;
  readonly valid: true;
  readonly data: CommonData & JsonObject;
}

/** A notification that doesn't fit the schema of its event; `problems` say why. A route gets them where its `invalid` is `deliver`. */
export interface InvalidEnvelope extends EnvelopeBase {
  readonly event: string | null;
  readonly category: EventCategory[EventName] | null;
  readonly valid: false;
  readonly data: JsonObject | null;
}

/**
 * What a sink gets. Where `valid` is true and `category` isn't null, `event` tells the types of `data` apart:
 * `if (envelope.valid && envelope.category !== null) switch (envelope.event) { … }`
 */
export type Envelope = EventEnvelope | UnknownEnvelope | InvalidEnvelope;

/** The body of each event, by its name: what `data` is. */
export interface EventData {
  account_deleted: AccountDeleted;
  account_zone_change: AccountZoneChange;
  bill_reminder: BillReminder;
  cf_notification: CfNotification;
  cnam_request: CnamRequest;
  customer_update: CustomerUpdate;
  denied_emergency_bridge: DeniedEmergencyBridge;
  deregister: Deregister;
  desktop_app_welcome: DesktopAppWelcome;
  desktop_webphone_enabled: DesktopWebphoneEnabled;
  email_invite: EmailInvite;
  email_verification: EmailVerification;
  emergency_bridge: EmergencyBridge;
  first_occurrence: FirstOccurrence;
  inbound_fax: InboundFax;
  inbound_fax_error: InboundFaxError;
  low_balance: LowBalance;
  missed_call: MissedCall;
  new_account: NewAccount;
  new_user: NewUser;
  number_feature_manual_action: NumberFeatureManualAction;
  outbound_fax: OutboundFax;
  outbound_fax_error: OutboundFaxError;
  outbound_smtp_fax_error: OutboundSmtpFaxError;
  password_recovery: PasswordRecovery;
  port_cancel: PortCancel;
  port_comment: PortComment;
  port_pending: PortPending;
  port_rejected: PortRejected;
  port_request: PortRequest;
  port_scheduled: PortScheduled;
  port_unconfirmed: PortUnconfirmed;
  ported: Ported;
  register: Register;
  service_added: ServiceAdded;
  system_alert: SystemAlert;
  topup: Topup;
  transaction: Transaction;
  voicemail_deleted: VoicemailDeleted;
  voicemail_full: VoicemailFull;
  voicemail_new: VoicemailNew;
  voicemail_saved: VoicemailSaved;
  webhook: Webhook;
  webhook_disabled: WebhookDisabled;
  relay_broker_away: RelayBrokerAway;
  relay_broker_back: RelayBrokerBack;
  relay_dead_letters: RelayDeadLetters;
  relay_drift: RelayDrift;
  relay_nothing_comes: RelayNothingComes;
  relay_quarantine_grows: RelayQuarantineGrows;
  relay_sink_away: RelaySinkAway;
  relay_sink_back: RelaySinkBack;
}

/** The category of each event. */
export interface EventCategory {
  account_deleted: 'account';
  account_zone_change: 'account';
  bill_reminder: 'account';
  cf_notification: 'account';
  cnam_request: 'number';
  customer_update: 'user';
  denied_emergency_bridge: 'registration';
  deregister: 'sip';
  desktop_app_welcome: 'user';
  desktop_webphone_enabled: 'user';
  email_invite: 'conference';
  email_verification: 'account';
  emergency_bridge: 'registration';
  first_occurrence: 'sip';
  inbound_fax: 'fax';
  inbound_fax_error: 'fax';
  low_balance: 'account';
  missed_call: 'sip';
  new_account: 'account';
  new_user: 'user';
  number_feature_manual_action: 'account';
  outbound_fax: 'fax';
  outbound_fax_error: 'fax';
  outbound_smtp_fax_error: 'fax';
  password_recovery: 'user';
  port_cancel: 'number';
  port_comment: 'number';
  port_pending: 'number';
  port_rejected: 'number';
  port_request: 'number';
  port_scheduled: 'number';
  port_unconfirmed: 'number';
  ported: 'number';
  register: 'sip';
  service_added: 'account';
  system_alert: 'system';
  topup: 'account';
  transaction: 'account';
  voicemail_deleted: 'voicemail';
  voicemail_full: 'voicemail';
  voicemail_new: 'voicemail';
  voicemail_saved: 'voicemail';
  webhook: 'webhook';
  webhook_disabled: 'webhook';
  relay_broker_away: 'relay';
  relay_broker_back: 'relay';
  relay_dead_letters: 'relay';
  relay_drift: 'relay';
  relay_nothing_comes: 'relay';
  relay_quarantine_grows: 'relay';
  relay_sink_away: 'relay';
  relay_sink_back: 'relay';
}

export type Address = string | readonly (string | JsonObject | readonly [] | null)[] | JsonObject;

/** an object; KAZOO may write an empty one as [] */
export type AnyObject = JsonObject | readonly [];

export type Anything = JsonValue;

export type BooleanOrText = boolean | string;

export type Digits = string;

/** an integer; one that a double can’t hold as its digits */
export type GregorianSeconds = number | string;

/** an integer; one that a double can’t hold as its digits */
export type Integer = number | string;

export type NumberOrText = number | string;

export type Objects = readonly (JsonObject | readonly [] | null)[];

export type ObjectsOrTexts = readonly (JsonObject | readonly [] | string | null)[];

export type SecretAnyObject = JsonObject | readonly [] | '[redacted]';

export type SecretTexts = readonly (string | null)[] | '[redacted]';

export type TextOrInteger = string | number;

export type TextOrNumber = string | number;

export type TextOrObject = string | JsonObject | readonly [];

export type TextOrTexts = string | readonly (string | null)[];

export type Texts = readonly (string | null)[];

/** What the body of any event may hold. An event’s own field of the same name takes its place. */
export interface CommonData {
  /** KAZOO application that published it */
  readonly app_name: string;
  /** version of that application */
  readonly app_version: string;
  /** always "notification" */
  readonly event_category: 'notification';
  /** type of the event */
  readonly event_name: string;
  /** id of this publish; another one when KAZOO publishes the notification again */
  readonly msg_id: string;
  /** KAZOO node that published it */
  readonly node: string;
  /** where the publisher waits for an answer; may be empty */
  readonly server_id?: string;
  /** id that ties the log lines of one task together */
  readonly system_log_id?: string;
  /** id of the account it belongs to */
  readonly account_id?: string;
  /** name of the account’s database */
  readonly account_db?: string;
  /** SIP Call-ID of the call */
  readonly call_id?: string;
  /** who the e-mail about it goes to */
  readonly to?: Address;
  /** who gets a copy of the e-mail */
  readonly cc?: Address;
  /** who gets a copy of the e-mail, unseen by the others */
  readonly bcc?: Address;
  /** who the e-mail comes from */
  readonly from?: Address;
  /** who an answer to the e-mail goes to */
  readonly reply_to?: Address;
  /** subject of the e-mail */
  readonly subject?: string;
  /** the e-mail as plain text */
  readonly text?: string;
  /** the e-mail as HTML */
  readonly html?: string;
  /** where the e-mail’s attachment can be fetched */
  readonly attachment_url?: string;
  /** true for the preview of an e-mail template, which is no event */
  readonly preview?: boolean;
  /** group of those who may see it */
  readonly access_group?: Anything;
  /** broker that it came over */
  readonly amqp_broker?: string;
  /** zone of that broker */
  readonly amqp_broker_zone?: string;
  /** whether the answer may come later */
  readonly defer_response?: Anything;
  /** Erlang process that it is meant for */
  readonly deliver_to_pid?: string;
  /** KAZOO node that it is meant for */
  readonly destination_server?: string;
  /** where its origin is */
  readonly geo_location?: Anything;
  /** headers in the form they were received in */
  readonly raw_headers?: Anything;
  /** Erlang process that waits for the answer */
  readonly reply_to_pid?: string;
  /** Erlang process that asked */
  readonly request_from_pid?: string;
  /** queue that waits for the answer */
  readonly server_queue_id?: string;
}

/** Account deleted: An account was deleted. */
export interface AccountDeleted extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'account_deleted';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** name of the account */
  readonly account_name?: string;
  /** SIP realm of the account */
  readonly account_realm?: string;
  /** key that gives access to the account over the API */
  readonly account_api_key?: string;
  /** id of the account above it */
  readonly parent_id?: string;
  /** the whole document of the account */
  readonly doc?: AnyObject;
}

/** Account zone changed: An account was given other zones. */
export interface AccountZoneChange extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'account_zone_change';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** the account’s zones, by the part each plays */
  readonly zones: AnyObject;
}

/** Bill reminder: An account’s bill will soon be due. */
export interface BillReminder extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'bill_reminder';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** when the bill is due, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly due_date: GregorianSeconds;
  /** what will be billed */
  readonly items: Objects;
  /** when the reminder was made, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp: GregorianSeconds;
  /** tokens that payments can be taken with, by processor */
  readonly payment_token?: SecretAnyObject;
}

/** Callflow notification: A call went through a callflow that asks for a notification. */
export interface CfNotification extends Omit<CommonData, 'event_name' | 'account_id' | 'to'> {
  /** type of the event */
  readonly event_name: 'cf_notification';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the template to notify with */
  readonly template_id: string;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** user part of the caller’s SIP address */
  readonly from_user?: string;
  /** realm of the caller’s SIP address */
  readonly from_realm?: string;
  /** user part of the called SIP address */
  readonly to_user?: string;
  /** realm of the called SIP address */
  readonly to_realm?: string;
  /** who is to be notified */
  readonly to?: TextOrTexts;
  /** when it happened, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp?: GregorianSeconds;
  /** whether somebody answered the call */
  readonly call_bridged?: boolean;
  /** whether the caller left a voicemail */
  readonly message_left?: boolean;
  /** remarks to go with the notification */
  readonly comments?: string;
  /** the way in which to notify, or several */
  readonly notification_media?: TextOrTexts;
  /** further data about the call */
  readonly notify?: AnyObject;
}

/** Caller name requested: A number is to show another name to those it calls. */
export interface CnamRequest extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'cnam_request';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** the name that is asked for */
  readonly cnam: AnyObject;
  /** phone number, or several */
  readonly number: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that the number was acquired for */
  readonly acquired_for?: string;
  /** the request that asked for it */
  readonly request?: AnyObject;
}

/** Customer update: A message is to be sent to the users of an account’s customers. */
export interface CustomerUpdate extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'customer_update';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the account that is to get it */
  readonly recipient_id?: string;
  /** which of its users are to get it */
  readonly user_type?: string;
  /** id of the template to send */
  readonly template_id?: string;
  /** data for the template, free in form */
  readonly databag?: AnyObject;
}

/** Emergency call denied: An emergency call was not put through. */
export interface DeniedEmergencyBridge extends Omit<CommonData, 'event_name' | 'account_id' | 'call_id'> {
  /** type of the event */
  readonly event_name: 'denied_emergency_bridge';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** SIP Call-ID of the call */
  readonly call_id: string;
  /** name that emergency calls show */
  readonly emergency_caller_id_name?: string;
  /** number that emergency calls show */
  readonly emergency_caller_id_number?: string;
  /** name that other calls show */
  readonly outbound_caller_id_name?: string;
  /** number that other calls show */
  readonly outbound_caller_id_number?: string;
}

/** Device deregistered: A device’s registration ended or expired. */
export interface Deregister extends Omit<CommonData, 'event_name' | 'account_id' | 'call_id'> {
  /** type of the event */
  readonly event_name: 'deregister';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** SIP user name of the device */
  readonly username: string;
  /** SIP realm of the account */
  readonly realm: string;
  /** id of the device that was authorised */
  readonly authorizing_id?: string;
  /** SIP Call-ID of the registration */
  readonly call_id?: string;
  /** SIP contact of the device */
  readonly contact?: string;
  /** when the device registered last, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly event_timestamp?: GregorianSeconds;
  /** how long the registration lasts, in seconds */
  readonly expires?: Integer;
  /** user part of the SIP From header */
  readonly from_user?: string;
  /** host part of the SIP From header */
  readonly from_host?: string;
  /** user part of the SIP To header */
  readonly to_user?: string;
  /** host part of the SIP To header */
  readonly to_host?: string;
  /** IP address that the device is seen at */
  readonly network_ip?: string;
  /** port that the device is seen at */
  readonly network_port?: TextOrInteger;
  /** make and version of the device */
  readonly user_agent?: string;
  /** whether nobody is to be told when the device goes away */
  readonly suppress_unregister_notify?: boolean;
  /** media server that held the registration */
  readonly freeswitch_hostname?: string;
  /** hosts whose presence the registration counts for */
  readonly presence_hosts?: string;
  /** SIP profile of the media server */
  readonly profile_name?: string;
  /** the presence that was last shown */
  readonly rpid?: string;
  /** state of the registration */
  readonly status?: string;
}

/** Desktop app welcome: A user may use the desktop app from now on. */
export interface DesktopAppWelcome extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'desktop_app_welcome';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the user */
  readonly user_id?: string;
  /** whether the app’s web phone may be used too */
  readonly webphone_enabled?: boolean;
}

/** Desktop web phone enabled: A user may use the web phone of the desktop app from now on. */
export interface DesktopWebphoneEnabled extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'desktop_webphone_enabled';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the user */
  readonly user_id?: string;
}

/** Conference invitation: Guests are to be invited to a conference by e-mail. */
export interface EmailInvite extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'email_invite';
  /** id of the conference */
  readonly conference_id?: string;
  /** name of the conference */
  readonly conference_name?: string;
  /** link that leads to the conference */
  readonly conference_link?: string;
  /** numbers that the conference has */
  readonly conference_numbers?: Texts;
  /** numbers to call in with */
  readonly conference_call_in_numbers?: Texts;
  /** PINs that let guests in */
  readonly conference_participant_pins?: SecretTexts;
  /** what the guests are to read */
  readonly invite_message?: string;
  /** who is invited */
  readonly guests?: ObjectsOrTexts;
}

/** E-mail verification: Somebody is to show with a code that an e-mail address is theirs. */
export interface EmailVerification extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'email_verification';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** the e-mail address */
  readonly email?: string;
  /** code that shows whose address it is */
  readonly verification_code?: string;
}

/** Emergency call: An emergency call was put through. */
export interface EmergencyBridge extends Omit<CommonData, 'event_name' | 'account_id' | 'call_id'> {
  /** type of the event */
  readonly event_name: 'emergency_bridge';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** SIP Call-ID of the call */
  readonly call_id: string;
  /** name that emergency calls show */
  readonly emergency_caller_id_name?: string;
  /** number that emergency calls show */
  readonly emergency_caller_id_number?: string;
  /** name that other calls show */
  readonly outbound_caller_id_name?: string;
  /** number that other calls show */
  readonly outbound_caller_id_number?: string;
  /** the emergency number that was called */
  readonly emergency_to_did?: string;
  /** whether it was only a test */
  readonly emergency_test_call?: boolean;
  /** street of the caller’s address */
  readonly emergency_address_street_1?: string;
  /** floor, suite or the like */
  readonly emergency_address_street_2?: string;
  /** city of the caller’s address */
  readonly emergency_address_city?: string;
  /** state or region of the caller’s address */
  readonly emergency_address_region?: string;
  /** postal code of the address */
  readonly emergency_address_postal_code?: string;
  /** latitude in degrees */
  readonly emergency_address_latitude?: TextOrNumber;
  /** longitude in degrees */
  readonly emergency_address_longitude?: TextOrNumber;
  /** addresses to be notified (KAZOO spells it so) */
  readonly emergency_notfication_contact_emails?: Texts;
  /** name of the account */
  readonly account_name?: string;
  /** id of the device that was authorised */
  readonly authorizing_id?: string;
  /** name of the device that called */
  readonly device_name?: string;
  /** id of the user that owns it */
  readonly owner_id?: string;
  /** first name of the device’s owner */
  readonly user_first_name?: string;
  /** last name of the device’s owner */
  readonly user_last_name?: string;
  /** e-mail address of the device’s owner */
  readonly user_email?: string;
}

/** First occurrence: An account did something for the first time, such as register a device or make a call. */
export interface FirstOccurrence extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'first_occurrence';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** what happened for the first time */
  readonly occurrence: string;
}

/** Fax received: A fax was received. */
export interface InboundFax extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'inbound_fax';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the fax */
  readonly fax_id: string;
  /** id of the fax box */
  readonly faxbox_id?: string;
  /** when the fax was transferred, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly fax_timestamp?: GregorianSeconds;
  /** how the transfer went: pages, rate, result */
  readonly fax_info?: AnyObject;
  /** who is to be notified, and how */
  readonly fax_notifications?: AnyObject;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** name of the called party */
  readonly callee_id_name?: string;
  /** number of the called party */
  readonly callee_id_number?: string;
  /** user part of the caller’s SIP address */
  readonly from_user: string;
  /** realm of the caller’s SIP address */
  readonly from_realm: string;
  /** user part of the called SIP address */
  readonly to_user: string;
  /** realm of the called SIP address */
  readonly to_realm: string;
  /** id of the user that owns it */
  readonly owner_id?: string;
}

/** Fax reception failed: A fax could not be received. */
export interface InboundFaxError extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'inbound_fax_error';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the fax */
  readonly fax_id?: string;
  /** what went wrong */
  readonly fax_error?: string;
  /** code of the result */
  readonly fax_result_code?: string;
  /** id of the fax box */
  readonly faxbox_id?: string;
  /** when the fax was transferred, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly fax_timestamp?: GregorianSeconds;
  /** how the transfer went: pages, rate, result */
  readonly fax_info?: AnyObject;
  /** who is to be notified, and how */
  readonly fax_notifications?: AnyObject;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** name of the called party */
  readonly callee_id_name?: string;
  /** number of the called party */
  readonly callee_id_number?: string;
  /** user part of the caller’s SIP address */
  readonly from_user: string;
  /** realm of the caller’s SIP address */
  readonly from_realm: string;
  /** user part of the called SIP address */
  readonly to_user: string;
  /** realm of the called SIP address */
  readonly to_realm: string;
  /** id of the user that owns it */
  readonly owner_id?: string;
}

/** Low balance: An account’s balance fell below its limit. */
export interface LowBalance extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'low_balance';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** balance in 1/10000 of a currency unit; may be negative */
  readonly current_balance: Integer;
}

/** Missed call: A call ended and nobody had answered it. */
export interface MissedCall extends Omit<CommonData, 'event_name' | 'account_id' | 'call_id' | 'to'> {
  /** type of the event */
  readonly event_name: 'missed_call';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** SIP Call-ID of the call */
  readonly call_id: string;
  /** whether somebody answered the call */
  readonly call_bridged: boolean;
  /** whether the caller left a voicemail */
  readonly message_left: boolean;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** user part of the caller’s SIP address */
  readonly from_user?: string;
  /** realm of the caller’s SIP address */
  readonly from_realm?: string;
  /** user part of the called SIP address */
  readonly to_user?: string;
  /** realm of the called SIP address */
  readonly to_realm?: string;
  /** who is to be notified */
  readonly to?: TextOrTexts;
  /** when it happened, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp?: GregorianSeconds;
  /** further data about the call */
  readonly notify?: AnyObject;
}

/** New account: An account was created. */
export interface NewAccount extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'new_account';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** name of the account */
  readonly account_name?: string;
  /** SIP realm of the account */
  readonly account_realm?: string;
  /** key that gives access to the account over the API */
  readonly account_api_key?: string;
  /** whether somebody is to be told */
  readonly should_notify?: boolean;
}

/** New user: A user was created. */
export interface NewUser extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'new_user';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the user */
  readonly user_id: string;
  /** the user’s password in clear text */
  readonly password?: string;
}

/** Number feature needs manual action: A feature of a number was changed that somebody has to set up by hand. */
export interface NumberFeatureManualAction extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'number_feature_manual_action';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** the phone number */
  readonly number: string;
  /** the feature and what is to be done with it */
  readonly feature: AnyObject;
}

/** Fax sent: A fax was sent. */
export interface OutboundFax extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'outbound_fax';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the fax */
  readonly fax_id: string;
  /** id of the job that sends the fax */
  readonly fax_jobid: string;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number: string;
  /** name of the called party */
  readonly callee_id_name?: string;
  /** number of the called party */
  readonly callee_id_number: string;
  /** id of the fax box */
  readonly faxbox_id?: string;
  /** when the fax was transferred, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly fax_timestamp?: GregorianSeconds;
  /** how the transfer went: pages, rate, result */
  readonly fax_info?: AnyObject;
  /** who is to be notified, and how */
  readonly fax_notifications?: AnyObject;
}

/** Fax sending failed: A fax could not be sent. */
export interface OutboundFaxError extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'outbound_fax_error';
  /** id of the fax */
  readonly fax_id: string;
  /** id of the job that sends the fax */
  readonly fax_jobid: string;
  /** what went wrong */
  readonly fax_error?: string;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** name of the called party */
  readonly callee_id_name?: string;
  /** number of the called party */
  readonly callee_id_number?: string;
  /** id of the fax box */
  readonly faxbox_id?: string;
  /** when the fax was transferred, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly fax_timestamp?: GregorianSeconds;
  /** how the transfer went: pages, rate, result */
  readonly fax_info?: AnyObject;
  /** who is to be notified, and how */
  readonly fax_notifications?: AnyObject;
}

/** Fax by e-mail refused: An e-mail that was to be sent as a fax was refused. */
export interface OutboundSmtpFaxError extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'outbound_smtp_fax_error';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** why it was refused */
  readonly errors: Texts;
  /** address the e-mail came from */
  readonly fax_from_email: string;
  /** when it happened, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp: GregorianSeconds;
  /** address the e-mail was sent to */
  readonly fax_to_email?: string;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** the number as the e-mail gave it */
  readonly original_number?: string;
  /** id of the fax box */
  readonly faxbox_id?: string;
  /** name of the fax box */
  readonly faxbox_name?: string;
  /** time zone of the fax box */
  readonly faxbox_timezone?: string;
  /** id of the user that owns it */
  readonly owner_id?: string;
}

/** Password recovery: Somebody asked to reset a user’s password. */
export interface PasswordRecovery extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'password_recovery';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** e-mail address of the user */
  readonly email: string;
  /** link that lets its holder set the password */
  readonly password_reset_link: string;
  /** first name of the user */
  readonly first_name?: string;
  /** last name of the user */
  readonly last_name?: string;
  /** id of the user */
  readonly user_id?: string;
  /** time zone of the user */
  readonly timezone?: string;
}

/** Port request cancelled: A port request was cancelled. */
export interface PortCancel extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'port_cancel';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
}

/** Comment on a port request: Somebody commented on a port request. */
export interface PortComment extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'port_comment';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
  /** the comment, its author and its time */
  readonly comment: AnyObject;
}

/** Port request pending: A port request was handed to the carrier and waits for its answer. */
export interface PortPending extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'port_pending';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
}

/** Port request rejected: A port request was rejected. */
export interface PortRejected extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'port_rejected';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
}

/** Port requested: A port request was submitted. */
export interface PortRequest extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'port_request';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
}

/** Port scheduled: The carrier has set the date of a port. */
export interface PortScheduled extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'port_scheduled';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
}

/** Port request unconfirmed: A port request was created and not yet submitted. */
export interface PortUnconfirmed extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'port_unconfirmed';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
}

/** Numbers ported: A port is complete: the numbers are in service. */
export interface Ported extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'ported';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the port request; KAZOO 4.2 may leave it out */
  readonly port_request_id?: string;
  /** data of the port request */
  readonly port?: AnyObject;
  /** who moved the request on, when, and why */
  readonly reason?: AnyObject;
  /** phone number, or several */
  readonly number?: TextOrTexts;
  /** state of the number, such as in_service */
  readonly number_state?: string;
  /** whether the number is local to KAZOO */
  readonly local_number?: boolean;
  /** id of the account that authorised it */
  readonly authorized_by?: string;
  /** version of the data */
  readonly version?: string;
}

/** Device registered: A device registered that was not registered before. */
export interface Register extends Omit<CommonData, 'event_name' | 'account_id' | 'call_id'> {
  /** type of the event */
  readonly event_name: 'register';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** SIP user name of the device */
  readonly username: string;
  /** SIP realm of the account */
  readonly realm: string;
  /** id of the device that was authorised */
  readonly authorizing_id?: string;
  /** SIP Call-ID of the registration */
  readonly call_id?: string;
  /** SIP contact of the device */
  readonly contact?: string;
  /** when the device registered last, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly event_timestamp?: GregorianSeconds;
  /** how long the registration lasts, in seconds */
  readonly expires?: Integer;
  /** user part of the SIP From header */
  readonly from_user?: string;
  /** host part of the SIP From header */
  readonly from_host?: string;
  /** user part of the SIP To header */
  readonly to_user?: string;
  /** host part of the SIP To header */
  readonly to_host?: string;
  /** IP address that the device is seen at */
  readonly network_ip?: string;
  /** port that the device is seen at */
  readonly network_port?: TextOrInteger;
  /** make and version of the device */
  readonly user_agent?: string;
  /** whether nobody is to be told when the device goes away */
  readonly suppress_unregister_notify?: boolean;
  /** kind of what was authorised, such as device */
  readonly authorizing_type?: string;
  /** id of the user that owns it */
  readonly owner_id?: string;
}

/** Service added: Billable services were added to an account. */
export interface ServiceAdded extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'service_added';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** who changed the services, and from where */
  readonly audit_log: AnyObject;
  /** when it happened, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp: GregorianSeconds;
  /** the services that changed; KAZOO 4.2 may leave it out */
  readonly items?: Objects;
}

/** System alert: A part of KAZOO reports a fault or something else that its operator should know. */
export interface SystemAlert extends Omit<CommonData, 'event_name' | 'node' | 'subject'> {
  /** type of the event */
  readonly event_name: 'system_alert';
  /** KAZOO node that reports */
  readonly node: string;
  /** what it is about */
  readonly subject: string;
  /** what happened */
  readonly message: string;
  /** whatever the reporting part knows; free in form, may hold request headers */
  readonly details?: AnyObject;
  /** part of the code that reports */
  readonly section?: string;
  /** Erlang module that reports */
  readonly module?: string;
  /** line in the module’s source */
  readonly line?: TextOrInteger;
  /** Erlang process that reports */
  readonly pid?: string;
  /** id of the request that was being handled */
  readonly request_id?: string;
}

/** Top-up: An account’s balance was, or should have been, topped up automatically. */
export interface Topup extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'topup' | 'top_up';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** amount in whole units of the currency; KAZOO 4.2 writes it as text */
  readonly amount: NumberOrText;
  /** whether the payment went through; KAZOO 4.2 writes it as text */
  readonly success: BooleanOrText;
  /** what the payment processor answered */
  readonly response: string;
  /** when it happened, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp: GregorianSeconds;
  /** id of the transaction */
  readonly id?: string;
  /** currency, such as USD */
  readonly currency_code?: string;
  /** the tax in it */
  readonly tax_amount?: NumberOrText;
  /** reference that goes with the payment */
  readonly purchase_order?: string;
  /** last four digits of the card */
  readonly card_last_four?: string;
  /** address the payment is billed to */
  readonly billing_address?: AnyObject;
  /** what was charged on top */
  readonly add_ons?: Objects;
  /** what was taken off */
  readonly discounts?: Objects;
}

/** Transaction: A payment was made or, with success false, failed. */
export interface Transaction extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'transaction';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** amount in whole units of the currency; KAZOO 4.2 writes it as text */
  readonly amount: NumberOrText;
  /** whether the payment went through; KAZOO 4.2 writes it as text */
  readonly success: BooleanOrText;
  /** what the payment processor answered */
  readonly response: string;
  /** when it happened, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp: GregorianSeconds;
  /** id of the transaction */
  readonly id?: string;
  /** currency, such as USD */
  readonly currency_code?: string;
  /** the tax in it */
  readonly tax_amount?: NumberOrText;
  /** reference that goes with the payment */
  readonly purchase_order?: string;
  /** last four digits of the card */
  readonly card_last_four?: string;
  /** address the payment is billed to */
  readonly billing_address?: AnyObject;
  /** what was charged on top */
  readonly add_ons?: Objects;
  /** what was taken off */
  readonly discounts?: Objects;
  /** the service plan it pays for */
  readonly service_plan?: AnyObject;
}

/** Voicemail deleted: A voicemail message was deleted. */
export interface VoicemailDeleted extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'voicemail_deleted';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the voicemail box */
  readonly voicemail_box: string;
  /** id of the message */
  readonly voicemail_id: string;
  /** when the message was left */
  readonly voicemail_timestamp: Digits;
  /** length of the recording */
  readonly voicemail_length?: Digits;
  /** the message as text, or the speech provider’s whole answer with it in text */
  readonly voicemail_transcription?: TextOrObject;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** user part of the caller’s SIP address */
  readonly from_user: string;
  /** realm of the caller’s SIP address */
  readonly from_realm: string;
  /** user part of the called SIP address */
  readonly to_user: string;
  /** realm of the called SIP address */
  readonly to_realm: string;
  /** why the message was deleted */
  readonly reason: string;
}

/** Voicemail box full: A voicemail box holds as many messages as it may. */
export interface VoicemailFull extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'voicemail_full';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the voicemail box */
  readonly voicemail_box: string;
  /** how many messages the box may hold */
  readonly max_message_count: Integer;
  /** how many messages the box holds */
  readonly message_count: Integer;
}

/** New voicemail: A caller left a voicemail message. */
export interface VoicemailNew extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'voicemail_new';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the voicemail box */
  readonly voicemail_box: string;
  /** id of the message */
  readonly voicemail_id: string;
  /** when the message was left, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly voicemail_timestamp: GregorianSeconds;
  /** length of the recording */
  readonly voicemail_length?: Integer;
  /** the message as text, or the speech provider’s whole answer with it in text */
  readonly voicemail_transcription?: TextOrObject;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** user part of the caller’s SIP address */
  readonly from_user: string;
  /** realm of the caller’s SIP address */
  readonly from_realm: string;
  /** user part of the called SIP address */
  readonly to_user: string;
  /** realm of the called SIP address */
  readonly to_realm: string;
}

/** Voicemail saved: A voicemail message was saved in its box. */
export interface VoicemailSaved extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'voicemail_saved';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the voicemail box */
  readonly voicemail_box: string;
  /** id of the message */
  readonly voicemail_id: string;
  /** when the message was left, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly voicemail_timestamp: GregorianSeconds;
  /** length of the recording */
  readonly voicemail_length?: Integer;
  /** the message as text, or the speech provider’s whole answer with it in text */
  readonly voicemail_transcription?: TextOrObject;
  /** name that the caller shows */
  readonly caller_id_name?: string;
  /** number that the caller shows */
  readonly caller_id_number?: string;
  /** user part of the caller’s SIP address */
  readonly from_user: string;
  /** realm of the caller’s SIP address */
  readonly from_realm: string;
  /** user part of the called SIP address */
  readonly to_user: string;
  /** realm of the called SIP address */
  readonly to_realm: string;
}

/** Callflow webhook: A call went through a callflow that asks for a webhook to be called. */
export interface Webhook extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'webhook';
  /** the webhook: its URI, which the callflow chose, and custom data */
  readonly hook: SecretAnyObject;
  /** data of the call; its account_id tells the account */
  readonly data: AnyObject;
  /** when it happened, in seconds since year 0 (Unix time is the value minus 62167219200) */
  readonly timestamp?: GregorianSeconds;
}

/** Webhook disabled: KAZOO switched one of its own webhooks off after too many failures. */
export interface WebhookDisabled extends Omit<CommonData, 'event_name' | 'account_id'> {
  /** type of the event */
  readonly event_name: 'webhook_disabled';
  /** id of the account it belongs to */
  readonly account_id: string;
  /** id of the webhook */
  readonly hook_id: string;
}

/** Broker away: A broker has been away for a minute. */
export interface RelayBrokerAway extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_broker_away';
  /** host and port of the broker */
  readonly broker: string;
  /** zone of the broker */
  readonly zone: string;
  /** why, where that is known */
  readonly reason?: string;
  /** when that began, as RFC 3339 says it in UTC */
  readonly since: string;
  /** what happened, in a sentence for people */
  readonly message: string;
}

/** Broker back: A broker is back for a minute. */
export interface RelayBrokerBack extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_broker_back';
  /** host and port of the broker */
  readonly broker: string;
  /** zone of the broker */
  readonly zone: string;
  /** when that began, as RFC 3339 says it in UTC */
  readonly since: string;
  /** how long that was */
  readonly seconds: Integer;
  /** what happened, in a sentence for people */
  readonly message: string;
}

/** Dead letters: A route has new dead letters; told at most every ten minutes. */
export interface RelayDeadLetters extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_dead_letters';
  /** name of the route */
  readonly route: string;
  /** type of its sink */
  readonly sink: string;
  /** how many came since the last such notification */
  readonly count: Integer;
  /** what happened, in a sentence for people */
  readonly message: string;
}

/** Drift: Notifications of an event fit the schemas in a way less than before; told at most every ten minutes. */
export interface RelayDrift extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_drift';
  /** the event; empty where they have none */
  readonly event: string;
  /** path and keyword of each new kind, twenty at most */
  readonly kinds: Texts;
  /** how many kinds are new */
  readonly count: Integer;
  /** id of a notification that has one of them */
  readonly example: string;
  /** what happened, in a sentence for people */
  readonly message: string;
}

/** Nothing comes: A broker has delivered nothing for a day, or an event that `expect` names has not come for too long. */
export interface RelayNothingComes extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_nothing_comes';
  /** host and port of the broker */
  readonly broker?: string;
  /** zone of the broker */
  readonly zone?: string;
  /** the event that is expected; absent where it is all that a broker delivers */
  readonly event?: string;
  /** when that began, as RFC 3339 says it in UTC */
  readonly since: string;
  /** what happened, in a sentence for people */
  readonly message: string;
}

/** Quarantine grows: More notifications are quarantined for a route; told at most every ten minutes. */
export interface RelayQuarantineGrows extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_quarantine_grows';
  /** name of the route */
  readonly route: string;
  /** how many came since the last such notification */
  readonly count: Integer;
  /** how many there are now */
  readonly total: Integer;
  /** what happened, in a sentence for people */
  readonly message: string;
}

/** Sink away: The sink of a route has been away for a minute. */
export interface RelaySinkAway extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_sink_away';
  /** name of the route */
  readonly route: string;
  /** type of its sink */
  readonly sink: string;
  /** why, where that is known */
  readonly reason?: string;
  /** when that began, as RFC 3339 says it in UTC */
  readonly since: string;
  /** what happened, in a sentence for people */
  readonly message: string;
}

/** Sink back: The sink of a route is back for a minute. */
export interface RelaySinkBack extends Omit<CommonData, 'event_name'> {
  /** type of the event */
  readonly event_name: 'relay_sink_back';
  /** name of the route */
  readonly route: string;
  /** type of its sink */
  readonly sink: string;
  /** when that began, as RFC 3339 says it in UTC */
  readonly since: string;
  /** how long that was */
  readonly seconds: Integer;
  /** what happened, in a sentence for people */
  readonly message: string;
}
