import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * A receiver that is a process of its own, to be killed: `counting-receiver.ts PORT FILE` notes the id of each
 * notification.
 */
const [port, file = ''] = process.argv.slice(2);

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  appendFileSync(file, `${JSON.parse(Buffer.concat(chunks).toString()).id}\n`);
  response.end();
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
