import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type PrivateBroker, startPrivateBroker } from '../../scripts/quickstart/private-broker.ts';
import { startProxy } from './proxy.ts';
import { askHost } from './shared/ask.ts';

/** A RabbitMQ that a test file may stop, kill, wipe and configure. */
export interface TestBroker extends PrivateBroker, Askable {}

/** A virtual host of the RabbitMQ that all test files share. */
export interface SharedBroker extends Askable {
  readonly url: string;
  readonly port: number;
  /** Removes the virtual host, with all that is in it. */
  close(): Promise<void>;
}

/** The same behind a proxy that can be stopped: to whoever uses its URL, the broker is away then. */
export interface BreakableBroker extends SharedBroker {
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface Askable {
  /** Its virtual host, as Erlang writes it. */
  readonly vhost: string;
  /** Has it evaluate Erlang, in milliseconds where `ctl` takes a second; gives the value, property lists as objects. */
  ask(expression: string): Promise<unknown>;
}

/** A RabbitMQ for one test file alone. */
export async function startBroker(options: { config?: string } = {}): Promise<TestBroker> {
  const broker = await startPrivateBroker(options.config);
  return { ...broker, vhost: '<<"/">>', ask: (expression) => ask(broker.env, expression) };
}

/** A virtual host for one test file. */
export async function shareBroker(): Promise<SharedBroker> {
  const { url, port, env } = await askHost<Pick<PrivateBroker, 'url' | 'port' | 'env'>>('rabbitmq');
  const name = `test-${randomUUID()}`;
  const vhost = `<<"${name}">>`;
  await ask(env, `rabbit_vhost:add(${vhost}, <<"test">>)`);
  const broker = { vhost, ask: (expression: string) => ask(env, expression) };
  await permit(broker, 'guest', { configure: '.*', write: '.*', read: '.*' });
  return {
    ...broker,
    url: `${url}/${name}`,
    port,
    close: async () => void (await ask(env, `rabbit_vhost:delete(${vhost}, <<"test">>)`)),
  };
}

export async function shareBreakableBroker(): Promise<BreakableBroker> {
  const broker = await shareBroker();
  const proxy = await startProxy(broker.port);
  return {
    ...broker,
    url: broker.url.replace(`:${broker.port}/`, `:${proxy.port}/`),
    port: proxy.port,
    stop: proxy.stop,
    start: proxy.start,
    async close() {
      await proxy.close();
      await broker.close();
    },
  };
}

/** Gives a user rights on the virtual host; each is a pattern of names. */
export async function permit(
  { ask, vhost }: Askable,
  user: string,
  { configure, write, read }: { configure: string; write: string; read: string },
): Promise<void> {
  const patterns = [configure, write, read].map((pattern) => `<<"${pattern}">>`).join(', ');
  await ask(`rabbit_auth_backend_internal:set_permissions(<<"${user}">>, ${vhost}, ${patterns}, <<"test">>)`);
}

export interface QueueState {
  readonly name: string;
  readonly durable: boolean;
  /** Those that wait for an acknowledgement too. */
  readonly messages: number;
  readonly consumers: number;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export async function queuesOn({ ask, vhost }: Askable): Promise<QueueState[]> {
  const items = 'name, durable, messages, consumers, arguments';
  return (await ask(`rabbit_amqqueue:info_all(${vhost}, [${items}])`)) as QueueState[]; // what the items are
}

/** How many messages its queues hold, those that wait for an acknowledgement too. */
export async function messagesOn(broker: Askable): Promise<number> {
  return (await queuesOn(broker)).reduce((sum, { messages }) => sum + messages, 0);
}

/** Above it, a broker blocks whoever publishes. @param limit as Erlang writes it: a share of all, or `{absolute, Bytes}` */
export async function setMemoryLimit({ ask }: Askable, limit: string): Promise<void> {
  await ask(`vm_memory_monitor:set_vm_memory_high_watermark(${limit})`);
}

export async function blocksPublishers({ ask }: Askable): Promise<boolean> {
  return JSON.stringify(await ask('rabbit_networking:connection_info_all([state])')).includes('block');
}

async function ask(env: NodeJS.ProcessEnv, expression: string): Promise<unknown> {
  const cookie = readFileSync(join(env.HOME ?? '', '.erlang.cookie'), 'utf8').trim();
  // Two that ask at once need names of their own.
  const names = ['-h', `test-${randomUUID()}`, '-n', env.RABBITMQ_NODENAME ?? ''];
  const child = spawn('erl_call', [...names, '-c', cookie, '-e'], { env, stdio: 'pipe' });
  child.stdin.end(`${plain}, binary_to_list(rabbit_json:encode(Plain((fun () -> ${expression} end)()))).\n`);
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [, json] = /^\{ok, "(.*)"\}\s*$/s.exec(answer) ?? [];
  if (json === undefined) throw new Error(`RabbitMQ can't evaluate ${expression}: ${answer}${complaint}`);
  return JSON.parse(json);
}

/** Makes of a term what JSON has: names of resources, and objects of property lists and tables of arguments. */
const plain = `Plain = fun
  Plain({resource, _, _, Name}) -> Name;
  Plain([{_, _} | _] = List) -> maps:from_list([{Key, Plain(Value)} || {Key, Value} <- List]);
  Plain([{_, _, _} | _] = Table) -> maps:from_list([{Key, Plain(Value)} || {Key, _, Value} <- Table]);
  Plain(List) when is_list(List) -> [Plain(Item) || Item <- List];
  Plain(Value) when is_tuple(Value); is_pid(Value) -> list_to_binary(io_lib:format("~p", [Value]));
  Plain(Value) -> Value
end`;
