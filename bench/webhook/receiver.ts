import { createServer, type Socket } from 'node:net';

// receiver.ts [PORT]: takes requests and answers 204, in less time than any sender takes to send them: it must not be
// what is measured. It reads just as much HTTP as that needs. Whoever asks is told how many there were.

const server = createServer(serve).listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.send?.(address.port);
});
process.on('message', () => process.send?.(received));
process.once('disconnect', () => process.exit());

let received = 0;
const answer = 'HTTP/1.1 204 No Content\r\n\r\n';

function serve(socket: Socket): void {
  let rest = '';
  socket.setNoDelay().setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    rest += chunk;
    for (let size = requestSize(rest); size <= rest.length; size = requestSize(rest)) {
      rest = rest.slice(size);
      received += 1;
      socket.write(answer);
    }
  });
}

/** Of the first request in the text, head and body; infinite while its head isn't complete. */
function requestSize(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return Number.POSITIVE_INFINITY;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  return end + 4 + Number(length ?? 0);
}
