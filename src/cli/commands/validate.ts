import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import { loadConfig } from '../../config/load.ts';
import type { BodyLimits } from '../../kazoo/body.ts';
import { decode } from '../../kazoo/decode.ts';
import type { Validator } from '../../kazoo/validate.ts';
import type { Problem } from '../../notification/notification.ts';
import { createValidator } from '../../schema/validator.ts';
import { readNotifications } from '../support/read-notifications.ts';
import type { Terminal } from '../support/terminal.ts';
import { notifications, orExit } from '../support/terminal.ts';

interface Options {
  readonly json?: true;
  readonly config?: string;
  readonly schemas?: readonly string[];
}

export function validateCommand(terminal: Terminal): Command {
  return new Command('validate')
    .description('validate the notifications in a file by the schemas of their events')
    .argument(
      '[file]',
      'a notification, an array of them, or one a line, as KAZOO or a sink writes them; - is stdin',
      '-',
    )
    .option('--json', 'one JSON object a line')
    .option('-c, --config <file>', 'validate as a daemon with this configuration does')
    .option('-s, --schemas <folder...>', 'folders with schemas of your own, as in validation.schemas')
    .addHelpText('after', help)
    .action((file: string, options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => validate(terminal, file, options),
      ),
    );
}

const help = `
Exit code: 0 all are valid, 1 at least one isn't, 2 wrong options, or a file, configuration or schema that can't be read.

Examples:
  kazoo-relay validate notification.json
  kazoo-relay validate notifications.ndjson --json | grep '"valid":false'
  kazoo-relay validate notification.json --schemas /etc/kazoo-relay/schemas`;

async function validate(terminal: Terminal, file: string, options: Options): Promise<void> {
  const { validator, limits } = validationOf(options, terminal);
  const show = options.json ? showJson : showPlain;
  let valid = 0;
  let count = 0;
  for await (const body of readNotifications(file, terminal.stdin)) {
    const verdict = validateBody(body, validator, limits);
    await show(terminal, verdict, count);
    count += 1;
    if (verdict.valid) valid += 1;
  }
  if (!options.json) await terminal.print(`${notifications(count)}: ${valid} valid, ${count - valid} not`);
  if (valid < count) terminal.exitCode = 1;
}

/** What a configuration's `intake` has by default. */
const defaultLimits: BodyLimits = { maxBodySize: 1024 * 1024, maxBodyMembers: 20_000 };

function validationOf(
  { config, schemas = [] }: Options,
  { env }: Terminal,
): { validator: Validator; limits: BodyLimits } {
  if (config === undefined) return { validator: createValidator(schemas), limits: defaultLimits };
  const { validation, intake } = loadConfig(config, { env });
  return { validator: createValidator([...validation.schemas, ...schemas], validation.accept), limits: intake };
}

interface Verdict {
  readonly event: string | null;
  readonly valid: boolean;
  readonly preview: boolean;
  readonly problems: readonly Problem[];
}

/** What intake would find, from the bytes on. */
function validateBody(body: Uint8Array, validator: Validator, limits: BodyLimits): Verdict {
  const message = { routingKey: '', contentEncoding: undefined, timestamp: undefined, zone: '', receivedAt: 0 };
  const { header, data, problems } = decode({ ...message, body }, limits);
  const { event, preview } = header;
  const all = data === null || preview ? problems : validator.validate(event, data, problems);
  return { event, valid: all.length === 0, preview, problems: all };
}

async function showJson(
  terminal: Terminal,
  { event, valid, preview, problems }: Verdict,
  index: number,
): Promise<void> {
  const items = problems.map(({ path, message, keyword }) => ({ path, message, keyword }));
  await terminal.print(printable(JSON.stringify({ index, event, valid, preview, problems: items })));
}

async function showPlain(
  terminal: Terminal,
  { event, valid, preview, problems }: Verdict,
  index: number,
): Promise<void> {
  const verdict = valid ? terminal.paint('green', 'valid') : terminal.paint('red', 'invalid');
  const name = (event ?? '-').padEnd(28);
  await terminal.print(`${String(index).padStart(4)}  ${printable(name)}  ${verdict}${preview ? ' (preview)' : ''}`);
  for (const { path, message } of problems)
    await terminal.say(`        ${printable(`${path} ${message}`.trimStart())}`, 10);
}
