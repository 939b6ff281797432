import { describe, expect, test } from '@jest/globals';
import { hashPassword, isPassword, isPasswordHash } from '../../src/common/password-hash.ts';
import { JournalError } from '../../src/journal/journal.ts';
import { OwnLogins } from '../../src/journal/logins.ts';
import { Access, TooManyLogins } from '../../src/page/access.ts';

const operator = { name: 'page link', role: 'operator' } as const;
const password = 'correct horse battery';
const hash = await hashPassword(password, { N: 2 ** 14, r: 1, p: 1 });
const anna = { name: 'anna', role: 'reader', password: hash } as const;

/** Its clock, and the pauses that it has made. */
function access(users: ConstructorParameters<typeof Access>[0] = []) {
  const pauses: number[] = [];
  const clock = { now: 1_000 };
  const logins = new OwnLogins(() => clock.now);
  const made = new Access(users, logins, async (millis) => void pauses.push(millis));
  return { access: made, pauses, clock };
}

describe('a link', () => {
  test('logs in once', async () => {
    const { access: page } = access();
    const link = await page.createLink(operator);
    expect(await page.linkOf(link)).toEqual(operator);
    const session = await page.followLink(link);
    expect(await page.visitorOf(session ?? '')).toEqual(operator);
    expect(await page.followLink(link)).toBeNull();
    expect(await page.linkOf(link)).toBeNull();
  });

  test('is over after five minutes', async () => {
    const { access: page, clock } = access();
    const link = await page.createLink(operator);
    clock.now += 300_001;
    expect(await page.followLink(link)).toBeNull();
  });
});

describe('a session', () => {
  test('lasts twelve hours from its last request on, and ends with a logout', async () => {
    const { access: page, clock } = access();
    const session = (await page.followLink(await page.createLink(operator))) ?? '';
    for (const hours of [11, 11]) {
      clock.now += hours * 3_600_000;
      expect(await page.visitorOf(session)).toEqual(operator);
    }
    clock.now += 12 * 3_600_000 + 1;
    expect(await page.visitorOf(session)).toBeNull();
    const other = (await page.followLink(await page.createLink(operator))) ?? '';
    await page.logout(other);
    expect(await page.visitorOf(other)).toBeNull();
  });

  test('ends when its user gets another role or another password, or goes; that of a link stays', async () => {
    const { access: page } = access([anna, { ...anna, name: 'bert' }]);
    const sessions = [
      await page.login('anna', password),
      await page.login('bert', password),
      await page.followLink(await page.createLink(operator)),
    ];
    page.use([
      { ...anna, role: 'operator' },
      { ...anna, name: 'bert' },
    ]);
    const names = sessions.map(async (session) => (await page.visitorOf(session ?? ''))?.name);
    expect(await Promise.all(names)).toEqual([undefined, 'bert', 'page link']);
    page.use([]);
    expect(await page.visitorOf(sessions[1] ?? '')).toBeNull();
  });

  test('begun on one daemon holds on all that share its logins and know its user', async () => {
    const logins = new OwnLogins();
    const [one, other, third] = [[anna], [anna], []].map((users) => new Access(users, logins));
    const session = (await one?.login('anna', password)) ?? '';
    expect(await other?.visitorOf(session)).toEqual({ name: 'anna', role: 'reader' });
    expect(await third?.visitorOf(session)).toBeNull();
    expect(await other?.isOver(session)).toBe(false);
    await other?.logout(session);
    expect([await one?.visitorOf(session), await one?.isOver(session)]).toEqual([null, true]);
    const link = (await one?.createLink(operator)) ?? '';
    const followed = await Promise.all([one, other].map((access) => access?.followLink(link)));
    expect(followed.filter((each) => each !== null)).toHaveLength(1);
  });

  test('is not kept beside two hundred others: the oldest ends', async () => {
    const { access: page } = access();
    const first = (await page.followLink(await page.createLink(operator))) ?? '';
    for (let count = 0; count < 200; count += 1) await page.followLink(await page.createLink(operator));
    expect(await page.visitorOf(first)).toBeNull();
  });
});

describe('a login', () => {
  test('takes a name with its own password, and waits longer after each that fails', async () => {
    const { access: page, pauses } = access([anna]);
    expect(await page.login('anna', 'wrong')).toBeNull();
    expect(await page.login('nobody', password)).toBeNull();
    expect(await page.visitorOf((await page.login('anna', password)) ?? '')).toEqual({ name: 'anna', role: 'reader' });
    expect(pauses).toEqual([250, 500]);
    await page.login('anna', password);
    expect(pauses).toHaveLength(2);
  });

  test('is refused while ten wait already, which keeps nobody out who has a link', async () => {
    const { access: page, pauses } = access([anna]);
    const guess = () => page.login('anna', 'guessed').catch((error: unknown) => error);
    const guesses = Array.from({ length: 11 }, guess);
    expect(await page.followLink(await page.createLink(operator))).not.toBeNull();
    expect(pauses).toHaveLength(0);
    const results = await Promise.all(guesses);
    expect(results.filter((result) => result instanceof TooManyLogins)).toHaveLength(1);
  });

  test('waits as here alone, and is not refused, while the database is away that knows of tries elsewhere', async () => {
    const pauses: number[] = [];
    const gone = () => Promise.reject(new JournalError('away'));
    const logins = Object.assign(new OwnLogins(), { takeTurn: gone, succeeded: gone });
    const page = new Access([anna], logins, async (millis) => void pauses.push(millis));
    const header = (words: string) => `Basic ${Buffer.from(words).toString('base64')}`;
    expect(await page.isUser(header('anna:wrong'))).toBe(false);
    expect(await page.isUser(header(`anna:${password}`))).toBe(true);
    expect(pauses).toEqual([250]);
  });

  test('by HTTP Basic is worked out once', async () => {
    const { access: page } = access([anna]);
    const header = `Basic ${Buffer.from(`anna:${password}`).toString('base64')}`;
    expect(await page.isUser(header)).toBe(true);
    page.use([anna]);
    expect(await page.isUser(header)).toBe(true);
    page.use([{ ...anna, role: 'operator' }]);
    page.use([]);
    expect(await page.isUser(header)).toBe(false);
    expect(await page.isUser('Basic bm8=')).toBe(false);
    expect(await page.isUser(`Basic ${Buffer.from('anna:wrong').toString('base64')}`)).toBe(false);
  });
});

describe('the hash of a password', () => {
  test('fits the password alone, and is another one each time', async () => {
    expect(await isPassword(password, hash)).toBe(true);
    expect(await isPassword(`${password} `, hash)).toBe(false);
    expect(await hashPassword(password)).not.toBe(hash);
    expect(isPasswordHash(hash)).toBe(true);
  });

  test.each([
    ['no hash', 'geheim'],
    ['a cost that is too low', hash.replace('$16384$', '$1024$')],
    ['a cost that is no power of two', hash.replace('$16384$', '$16385$')],
    ['so much memory that the daemon would suffer', hash.replace('$16384$1$', '$2097152$32$')],
    ['no rounds', hash.replace('$1$1$', '$1$0$')],
  ])('with %s is refused', async (_what, wrong) => {
    expect(isPasswordHash(wrong)).toBe(false);
    expect(await isPassword(password, wrong)).toBe(false);
  });
});
