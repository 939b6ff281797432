import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { startServer, type TestServer } from './server.ts';

/** An OpenStack Swift with its S3 API, which has one user and no bucket. */
export interface TestSwift extends TestServer {
  readonly url: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** A request of its user, whatever comes of it. @param path bucket, key and query */
  ask(path: string, method?: 'GET' | 'PUT'): Promise<Response>;
}

export async function startSwift(): Promise<TestSwift> {
  const server = await startServer({
    name: 'swift',
    async initialise() {},
    // The system's own: Debian's packages are for that.
    command: (folder, port) => ['/usr/bin/python3', join(import.meta.dirname, 'start-swift.py'), folder, String(port)],
    ask: (port) => fetch(`http://127.0.0.1:${port}/`),
    stopSignal: 'TERM',
  });
  const url = `http://127.0.0.1:${server.port}`;
  const credentials = { accessKeyId: 'test:tester', secretAccessKey: 'testing' };
  const client = new AwsClient({ ...credentials, service: 's3', region: 'us-east-1', retries: 0 });
  return { ...server, url, credentials, ask: (path, method = 'GET') => client.fetch(`${url}/${path}`, { method }) };
}
