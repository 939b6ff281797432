import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { sinkPart } from '../part.ts';

/** To a store that keeps objects, and looks into them only when the time is taken. */
export const s3 = sinkPart({
  name: 's3',
  type: 's3',
  usual: 100_000,
  atLeast: 0.85,
  bare: [{ name: 'bare aws4fetch', program: join(import.meta.dirname, 'bare.ts') }],
  async open() {
    const objects = new Map<string, Buffer>();
    const server = createServer(async (request, response) => {
      objects.set(request.url ?? '', await buffer(request));
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo; // it listens on a port
    return {
      options: {
        ...{ endpoint: `http://127.0.0.1:${port}`, bucket: 'archive', proxy: 'none' },
        ...{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
      },
      empty: async () => objects.clear(),
      async count() {
        return objects.values().reduce((lines, body) => lines + gunzipSync(body).toString().split('\n').length - 1, 0);
      },
      async close() {
        server.closeAllConnections();
        server.close();
      },
    };
  },
});
