import { existsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../../src/common/messages.ts';
import { askDaemon } from '../../../src/ops/control.ts';
import type { Status } from '../../../src/ops/status.ts';
import { cli } from '../../support/cli.ts';
import { configFolder } from '../../support/config-folder.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { ask, httpAddress, total } from '../../support/http.ts';
import { openJournal } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { until } from '../../support/until.ts';

const folder = configFolder();
const clock = Date.now;
let daemon: Daemon | undefined;

afterEach(async () => {
  Date.now = clock;
  await daemon?.end('SIGKILL');
});

test('a clock in doubt has no sink remove old files, and is told, until an operator accepts it', async () => {
  const journal = join(folder.path, 'journal');
  const config = folder.write(
    'relay.yaml',
    `# Nobody is there, and nobody needs to be.
brokers: [{ zone: west, url: amqp://127.0.0.1:1 }]
journal: { path: FOLDER/journal }
http: { listen: 127.0.0.1:0 }
log: { format: json }
routes: { archive: { start: earliest, sink: { type: file, path: FOLDER/out.ndjson, rotate: 1h, keep: 1 } } }
`,
  );
  // The next line begins a new file, and one of those that were rotated would go for its age.
  const rotated = folder.write('out-20200101T000000Z.ndjson', '{}\n');
  utimesSync(folder.write('out.ndjson', '{}\n'), 1, 1);
  Date.now = () => clock() - 3 * 86_400_000;
  const before = await openJournal(journal, pino({ level: 'silent' }));
  await before.append([notification({})]);
  await before.close();
  Date.now = clock;

  daemon = startDaemon(config);
  await daemon.says(messages.clockDoubted);
  const at = await httpAddress(daemon);
  await until(async () => total((await ask(at, '/metrics')).body, 'kazoo_relay_delivery_attempts_total') === 1, {
    what: 'the delivery',
  });
  expect(existsSync(rotated)).toBe(true);
  const doubted = async () => total((await ask(at, '/metrics')).body, 'kazoo_relay_clock_doubted');
  const status = async () => ((await askDaemon(journal, 'status')) as Status).clock;
  expect(await doubted()).toBe(1);
  expect(await status()).toEqual({
    last_sign_of_life: expect.stringMatching(/^20..-.*Z$/),
    believed_in: expect.closeTo(86_400, -3),
  });
  expect((await cli(['status', '--config', config])).stdout).toMatch(
    /^Clock +in doubt: .* for another 24 hours of running, or until "kazoo-relay accept-clock"$/m,
  );
  const refused = await cli(['accept-clock', '--config', config]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('add --yes') });
  const accepted = await cli(['accept-clock', '--yes', '--config', config]);
  expect(accepted).toMatchObject({ code: 0, stdout: expect.stringContaining('the clock is believed: it says 20') });
  await until(async () => (await status()) === null, { what: 'the daemon to believe it' });
  expect(await doubted()).toBe(0);
  const again = await cli(['accept-clock', '--config', config]);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('which is not in doubt') });
});
