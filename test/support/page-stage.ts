import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { stringify } from 'yaml';
import { hashPassword } from '../../src/common/password-hash.ts';
import { storeAt } from '../../src/journal/open.ts';
import type { OperatorStore } from '../../src/journal/operator-store.ts';
import { cli } from './cli.ts';
import { openJournal } from './journal.ts';
import { notification } from './notification.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { startRelayHere } from './relay-here.ts';
import { until } from './until.ts';

/** It stands in every field that a sender or a receiver may fill. */
export const hostile = '"><script>alert(1)</script>\u202e\u001b[31m\'&';

/** What an address may have in the place of a parameter, or of each name of a query. */
export const hostileWords = [
  ...[hostile, '../../etc/passwd', '\0', '\ud800', "' OR 1=1 --", '\r\nset-cookie: a=b', 'constructor', '-1', '1e99'],
  ...['99999999999999999999', 'x'.repeat(600)],
];

/** That query, with a word for each name. */
export function hostileQuery(word: string): string {
  const names = ['state', 'route', 'event', 'reason', 'id', 'account', 'number', 'call', 'since', 'after'];
  return `${new URLSearchParams(names.map((name): [string, string] => [name, word]))}`;
}

/** The account of all that is hostile. */
export const account = `acc${hostile}`;

/** Of the user anna, who is a reader. */
export const password = 'correct horse battery';

/** A relay with a page, whose journal has something in each state, all of it hostile. */
export interface PageStage {
  /** Where the daemon listens. */
  readonly listen: string;
  readonly config: string;
  readonly receiver: Receiver;
  /** What the receiver answers from now on; 400 at first, so that all is dead. */
  answer: number;
  /** The path of a link that logs in once. */
  link(): Promise<string>;
  store<T>(work: (store: OperatorStore) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** @param listen where it is to listen: an address, or the name of a socket in its folder */
export async function startPageStage(listen: string): Promise<PageStage> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-page-'));
  const [config, journal] = [join(folder, 'config.yaml'), join(folder, 'journal')];
  const stage = { answer: 400 };
  const receiver = await startReceiver(() => ({ status: stage.answer, body: hostile }));
  const close = async () => {
    await receiver.close();
    rmSync(folder, { recursive: true });
  };
  try {
    await fill(journal);
    const at = listen.includes(':') ? listen : join(folder, listen);
    writeFileSync(config, await configText(journal, at, receiver.url));
    const relay = await startRelayHere(config);
    const said = await relay.says('the HTTP port is open');
    const store = async <T>(work: (opened: OperatorStore) => Promise<T>) => {
      const opened = await storeAt({ path: journal }).openOperatorStore();
      return work(opened).finally(() => opened.close());
    };
    await until(async () => (await store((one) => one.groups({ states: ['dead'] }))).length === 2, {
      what: 'dead letters',
    });
    return Object.assign(stage, {
      listen: /"listen":"([^"]+)","msg":"the HTTP port is open"/.exec(said)?.[1] ?? '',
      config,
      receiver,
      store,
      async link() {
        const { stdout } = await cli(['page', '--config', config]);
        return /\/login\?link=[\w-]{43}/.exec(stdout)?.[0] ?? '';
      },
      async close() {
        await relay.stop();
        await close();
      },
    });
  } catch (error) {
    await close();
    throw error;
  }
}

async function configText(journal: string, listen: string, url: string): Promise<string> {
  const webhook = { type: 'webhook', url };
  const hash = await hashPassword(password, { N: 2 ** 14, r: 1, p: 1 });
  return stringify({
    brokers: [{ zone: 'west', url: 'amqp://guest:guest@127.0.0.1:1' }],
    journal: { path: journal },
    http: { listen, access: { users: [{ name: 'anna', role: 'reader', password: hash }] } },
    routes: {
      crm: { start: 'earliest', sink: webhook },
      picky: {
        ...{ start: 'earliest', events: ['low_balance'] },
        sink: { ...webhook, auth: { bearer: { token: 'geheim-token-1' } } },
      },
    },
  });
}

async function fill(folder: string): Promise<void> {
  const journal = await openJournal(folder, pino({ enabled: false }));
  const json = JSON.stringify({ caller: hostile });
  const parts = { receivedAt: Date.now(), accountId: account, node: hostile, routingKey: hostile, json };
  const problem = { path: `/${hostile}`, keyword: 'type', message: hostile };
  await journal.append([
    ...Array.from({ length: 4 }, () => notification(parts)),
    notification({ ...parts, event: hostile, known: false, unknownFields: null }),
    notification({ ...parts, state: 'invalid', problems: [problem] }),
    notification({ ...parts, state: 'undecodable', event: null, json: 'null', problems: [{ ...problem, path: '' }] }),
  ]);
  await journal.close();
}
