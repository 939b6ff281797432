import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import amqp, { type ConsumeMessage } from 'amqplib';

// What a developer writes in an afternoon, with amqplib and ajv: what is valid becomes a line of a file, and is
// acknowledged when its batch is synced to the disk. It reconnects to nothing, and knows one sink.

const { url, queue, prefetch, schemas, file, invalid } = JSON.parse(process.argv[2] ?? '') as {
  url: string;
  queue: string;
  prefetch: number;
  schemas: [event: string, file: string][];
  file: string;
  invalid: string;
};

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const validators = new Map(
  schemas.map(([event, schema]) => [event, ajv.compile(JSON.parse(readFileSync(schema, 'utf8')))]),
);
const lines = await open(file, 'a');
const others = await open(invalid, 'a');

const connection = await amqp.connect(url);
const channel = await connection.createChannel();
await channel.prefetch(prefetch);

let batch: ConsumeMessage[] = [];
let busy = false;

await channel.consume(queue, (message) => {
  if (message === null) throw new Error('the queue was deleted');
  batch.push(message);
  setImmediate(flush);
});

async function flush(): Promise<void> {
  if (busy || batch.length === 0) return;
  busy = true;
  const messages = batch;
  batch = [];
  const texts = messages.map(lineOf);
  await append(
    lines,
    texts.filter((text) => text !== null),
  );
  await append(
    others,
    messages.filter((_, index) => texts[index] === null).map(({ content }) => `${content}\n`),
  );
  const last = messages.at(-1);
  if (last !== undefined) channel.ack(last, true);
  busy = false;
  setImmediate(flush);
}

/** Null where it isn't valid. */
function lineOf({ fields: { routingKey }, content }: ConsumeMessage): string | null {
  try {
    const body = JSON.parse(content.toString());
    return validators.get(body['Event-Name'])?.(body) ? `${JSON.stringify({ routingKey, body })}\n` : null;
  } catch {
    return null;
  }
}

async function append(to: FileHandle, texts: readonly string[]): Promise<void> {
  if (texts.length === 0) return;
  await to.appendFile(texts.join(''));
  await to.datasync();
}
