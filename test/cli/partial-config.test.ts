import { afterEach, describe, expect, test } from '@jest/globals';
import { cli } from '../support/cli.ts';
import { configFolder } from '../support/config-folder.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';

const folder = configFolder();
let daemon: Daemon | undefined;

afterEach(async () => {
  await daemon?.end('SIGKILL');
  daemon = undefined;
});

describe('a shell without the variables that the daemon has', () => {
  test('is enough to look at the daemon and its journal, and to make it reload', async () => {
    const config = writeConfig();
    daemon = startDaemon(config, [], { variables: { BROKER: '127.0.0.1:1', TOKEN: 'geheim' } });
    const answers = async () => (await cli(['status', '--config', config])).stdout.includes('running, pid');
    await until(answers, { what: 'the daemon to answer' });
    await daemon.says('broker not available');
    for (const [args, answer] of [
      [['status'], /crm/],
      [['status', '--check', 'live'], /^$/],
      [['tail'], /^$/],
      [['dead', 'list'], /^$/],
      [['dead', 'retry', '--all'], /^nothing is dead or quarantined\n$/],
      [['replay', '--route', 'crm', '--since', '1h', '--dry-run'], /^0 notifications would be delivered again by crm/],
      [['reload'], /^reloaded\nnothing has changed/],
    ] as const) {
      const { stdout, stderr, code } = await cli([...args, '--config', config]);
      expect([args, stderr, code]).toEqual([args, nothingIn[args.join(' ')] ?? '', 0]);
      expect(stdout).toMatch(answer);
    }
    await daemon.end('SIGTERM');
    expect((await cli(['status', '--config', config])).stdout).toContain('not running');
  });

  test.each([['check'], ['run'], ['probe', 'crm'], ['config', 'show']])(
    'is not enough for %s, which needs them',
    async (...args) => {
      const { stdout, stderr, code } = await cli([...args, '--config', writeConfig()]);
      expect(stdout + stderr).toContain('routes.crm.sink.url needs the environment variable TOKEN, which is not set');
      expect(code).toBe(args[0] === 'check' ? 1 : 2);
    },
  );
});

/** What lists say beside themselves, to people, where they are empty. */
const nothingIn: Readonly<Record<string, string>> = {
  tail: 'the journal holds nothing: nothing has come in yet, or all of it was removed for its age\n',
  'dead list': 'nothing is dead or quarantined\n',
};

function writeConfig(): string {
  return folder.write(
    'relay.yaml',
    `brokers: [{ zone: west, url: 'amqp://\${env:BROKER}' }]
journal: { path: FOLDER/journal }
http: { listen: 'off' }
routes:
  crm: { sink: { type: webhook, url: 'http://127.0.0.1:9/\${env:TOKEN}' } }
`,
  );
}
