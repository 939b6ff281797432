import { describe, expect, test } from '@jest/globals';
import { closestMatch } from '../../../src/common/text/did-you-mean.ts';
import { events } from '../../../src/kazoo/catalogue.ts';
import { relayEvents } from '../../../src/kazoo/relay-events.ts';
import { cli, type Result } from '../../support/cli.ts';

/** KAZOO's, and the daemon's own. */
const all = [...events, ...relayEvents];

describe('events', () => {
  test('lists every event on a line of its own, in columns', async () => {
    const lines = (await run()).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(all.length + 1);
    expect(lines[0]).toMatch(/^NAME +CATEGORY +ROUTING KEY +TITLE$/);
    const column = lines[0]?.indexOf('TITLE');
    for (const [index, event] of all.entries()) expect(lines[index + 1]?.indexOf(event.title)).toBe(column);
  });

  test('lists them as JSON', async () => {
    const { stdout } = await run('--json');
    expect(JSON.parse(stdout)).toHaveLength(all.length);
    expect(JSON.parse(stdout).slice(0, 2)).toEqual([
      {
        name: 'account_deleted',
        aliases: [],
        title: 'Account deleted',
        summary: 'An account was deleted',
        category: 'account',
        routing_key: null,
      },
      {
        name: 'account_zone_change',
        aliases: [],
        title: 'Account zone changed',
        summary: 'An account was given other zones',
        category: 'account',
        routing_key: 'notifications.account.zone_change',
      },
    ]);
  });

  test('shows one event with its fields', async () => {
    const { stdout } = await run('new_user');
    expect(stdout).toContain('routing key  notifications.user.new\n');
    expect(stdout).toMatch(/^password +Password +string +yes +the user’s password/m);
    expect(stdout).toMatch(/^user_id +User-ID +string +yes +id of the user$/m);
  });

  test('says where the routing key isn’t known, and which one examples have', async () => {
    expect((await run('email_invite')).stdout).toContain(
      'routing key  not known: KAZOO 5 only; examples have notifications.unknown.email_invite\n',
    );
    expect((await run()).stdout).toMatch(/^email_invite +conference +not known: KAZOO 5 only +Conference invitation$/m);
  });

  test('shows one event as JSON, with its example', async () => {
    const { stdout } = await run('low_balance', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'low_balance',
      routing_key: 'notifications.account.low_balance',
      fields: [
        { name: 'account_id' },
        { name: 'current_balance', wire: 'Current-Balance', type: 'integer', required: true },
      ],
      example: { 'Event-Name': 'low_balance' },
    });
  });

  test('takes an alias', async () => {
    expect((await run('top_up')).stdout).toMatch(/^topup: Top-up\n/);
  });

  test('ends with 2 and a suggestion when there is no such event', async () => {
    expect(await run('voicemal_new')).toEqual({
      stdout: '',
      stderr: 'kazoo-relay: KAZOO has no event "voicemal_new"; did you mean voicemail_new?\n',
      code: 2,
    });
  });

  test('says where to look when nothing comes near', async () => {
    expect((await run('__proto__')).stderr).toContain('"kazoo-relay events" lists all of them');
  });
});

describe('the nearest name', () => {
  const names = ['register', 'deregister', 'topup'];

  test.each([
    ['registr', 'register'],
    ['dereigster', 'deregister'],
    ['top-up', 'topup'],
    ['entirely different', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('to %.20s is %s', (word, near) => {
    expect(closestMatch(word, names)).toBe(near);
  });
});

function run(...args: string[]): Promise<Result> {
  return cli(['events', ...args]);
}
