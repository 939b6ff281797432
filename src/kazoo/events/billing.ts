import type { JsonObject } from '../../common/json.ts';
import type { EventDefinition, EventField } from '../event.ts';
import { accountId, announced, exampleAccount, optional, requested, required, secret, timestamp } from './define.ts';

const payment: readonly EventField[] = [
  accountId,
  required('amount', 'Amount', 'number|string', 'amount in whole units of the currency; KAZOO 4.2 writes it as text'),
  required('success', 'Success', 'boolean|string', 'whether the payment went through; KAZOO 4.2 writes it as text'),
  required('response', 'Response', 'string', 'what the payment processor answered'),
  timestamp(required),
  optional('id', 'ID', 'string', 'id of the transaction'),
  optional('currency_code', 'Currency-Code', 'string', 'currency, such as USD'),
  optional('tax_amount', 'Tax-Amount', 'number|string', 'the tax in it'),
  optional('purchase_order', 'Purchase-Order', 'string', 'reference that goes with the payment'),
  secret(optional('card_last_four', 'Card-Last-Four', 'string', 'last four digits of the card')),
  optional('billing_address', 'Billing-Address', 'object', 'address the payment is billed to'),
  optional('add_ons', 'Add-Ons', 'object[]', 'what was charged on top'),
  optional('discounts', 'Discounts', 'object[]', 'what was taken off'),
];

const paymentExample: JsonObject = {
  'Account-ID': exampleAccount,
  'Currency-Code': 'USD',
  'Tax-Amount': '0.00',
  'Card-Last-Four': '0000',
  'Billing-Address': {
    'First-Name': 'Dana',
    'Last-Name': 'Reyes',
    'Street-Address': '100 Example Street',
    Locality: 'San Francisco',
    Region: 'CA',
    'Postal-Code': '94105',
  },
  'Add-Ons': [],
  Discounts: [],
};

/** Balances, bills and payments. */
export const billingEvents: readonly EventDefinition[] = [
  {
    name: 'bill_reminder',
    aliases: [],
    title: 'Bill reminder',
    summary: 'An account’s bill will soon be due',
    category: 'account',
    routingKey: 'notifications.account.reminder',
    fields: [
      accountId,
      required('due_date', 'Due-Date', 'gregorian', 'when the bill is due'),
      required('items', 'Items', 'object[]', 'what will be billed'),
      required('timestamp', 'Timestamp', 'gregorian', 'when the reminder was made'),
      secret(
        optional('payment_token', 'Payment-Token', 'object', 'tokens that payments can be taken with, by processor'),
      ),
    ],
    example: requested(
      'bill_reminder',
      { app: 'services', msgId: '5c2f7d90b3a84e16974d0e8c1ab6f253' },
      {
        'Account-ID': exampleAccount,
        'Due-Date': 63931766400,
        Timestamp: 63931334400,
        Items: [
          { category: 'devices', item: 'sip_device', name: 'SIP device', quantity: 12, rate: 5, total: 60 },
          { category: 'phone_numbers', item: 'did_us', name: 'US number', quantity: 4, rate: 1, total: 4 },
        ],
        'Payment-Token': {
          braintree: {
            id: 'example-token',
            default: true,
            created: 63898396800,
            modified: 63898396800,
            expiration: 64000281600,
          },
        },
      },
    ),
  },
  {
    name: 'low_balance',
    aliases: [],
    title: 'Low balance',
    summary: 'An account’s balance fell below its limit',
    category: 'account',
    routingKey: 'notifications.account.low_balance',
    fields: [
      accountId,
      required(
        'current_balance',
        'Current-Balance',
        'integer',
        'balance in 1/10000 of a currency unit; may be negative',
      ),
    ],
    example: requested(
      'low_balance',
      { app: 'jonny5', msgId: 'a7b95e03d1f64c8e8b20f6d4c9e17a38' },
      { 'Account-ID': exampleAccount, 'Current-Balance': -12500 },
    ),
  },
  {
    name: 'service_added',
    aliases: [],
    title: 'Service added',
    summary: 'Billable services were added to an account',
    category: 'account',
    routingKey: 'notifications.account.service_added',
    fields: [
      accountId,
      required('audit_log', 'Audit-Log', 'object', 'who changed the services, and from where'),
      timestamp(required),
      optional('items', 'Items', 'object[]', 'the services that changed; KAZOO 4.2 may leave it out'),
    ],
    example: requested(
      'service_added',
      { app: 'services', msgId: '6f1d8a4eb7c3450f92e5d0b8a3c7e916' },
      {
        'Account-ID': exampleAccount,
        'Audit-Log': {
          account_id: exampleAccount,
          account_name: 'Acme Widgets',
          agent: { account_id: '9a8b7c6d5e4f30211203f4e5d6c7b8a9', type: 'user' },
          request: { client_ip: '198.51.100.7' },
        },
        Timestamp: 63930091204,
        Items: [
          {
            category: 'devices',
            item: 'softphone',
            quantity: 3,
            changes: { type: 'created', difference: { quantity: 1 } },
          },
        ],
      },
    ),
  },
  {
    name: 'topup',
    aliases: ['top_up'],
    title: 'Top-up',
    summary: 'An account’s balance was, or should have been, topped up automatically',
    category: 'account',
    routingKey: 'notifications.account.topup',
    fields: payment,
    example: requested(
      'topup',
      { app: 'services', msgId: 'e1c6490d7fb24a83a5d8c3b0f9267e14' },
      {
        ...paymentExample,
        Amount: 25,
        Success: true,
        Response: 'Approved',
        Timestamp: 63930177663,
        ID: 'tx7k2m9q',
        'Purchase-Order': 'topup',
      },
    ),
  },
  {
    name: 'transaction',
    aliases: [],
    title: 'Transaction',
    summary: 'A payment was made or, with success false, failed',
    category: 'account',
    routingKey: 'notifications.account.transaction',
    fields: [...payment, optional('service_plan', 'Service-Plan', 'object', 'the service plan it pays for')],
    example: announced(
      'transaction',
      { app: 'services', msgId: '82d5b7e90c1f4a36be64d8a2f07c39e1' },
      {
        ...paymentExample,
        Amount: 64.5,
        Success: false,
        Response: 'Processor Declined',
        Timestamp: 63931766412,
        ID: 'tx9p4r1z',
        'Purchase-Order': 'recurring',
        'Service-Plan': { id: 'plan_business', name: 'Business' },
      },
    ),
  },
];
