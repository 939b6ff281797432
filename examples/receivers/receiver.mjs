// A receiver of signed webhooks in Node 22 or later. It needs `npm install standardwebhooks`, the Standard Webhooks library.
//   WEBHOOK_SECRET=whsec_… INBOX=inbox PORT=8080 node receiver.mjs
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET ?? '');
const inbox = process.env.INBOX ?? 'inbox';
/** Bytes; a notification has a little more than 1 MiB at most. */
const limit = 2 * 1024 * 1024;

await mkdir(inbox, { recursive: true });
createServer(async (request, response) => {
  try {
    const [status, reason] = await receive(request);
    response.writeHead(status).end(reason);
  } catch (error) {
    // Not kept: kazoo-relay sends it again.
    console.error(error);
    response.writeHead(503).end('it could not be kept');
  }
}).listen(Number(process.env.PORT ?? 8080), '127.0.0.1');

/** The status of the answer, and why. */
async function receive(request) {
  if (request.method !== 'POST') return [405, 'only POST'];
  const body = await read(request);
  if (body === undefined) return [413, 'too large'];
  try {
    webhook.verify(body, request.headers, { jsonParse: false });
  } catch (error) {
    return [401, error.message];
  }
  const id = request.headers['webhook-id'];
  if (!/^[\w-]{1,100}$/.test(id)) return [400, 'webhook-id is no name of a file'];
  try {
    JSON.parse(body);
  } catch {
    return [400, 'not JSON'];
  }
  await keep(id, body);
  return [204];
}

/** Reads a body that is too large to its end, so that the sender sees the answer. */
async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size <= limit ? Buffer.concat(chunks).toString() : undefined;
}

/** The file appears whole and only once, however often the notification comes; what reads the inbox does the rest. */
async function keep(id, body) {
  const file = join(inbox, `${id}.json`);
  if (existsSync(file)) return;
  const part = join(inbox, `${randomUUID()}.part`);
  const handle = await open(part, 'wx');
  try {
    await handle.writeFile(body);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
  console.log(`kept ${id}`);
}
