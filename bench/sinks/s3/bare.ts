import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { AwsClient } from 'aws4fetch';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write: a batch is an object, and the library signs and sends it.

await contend<SinkTask>(async (task) => {
  const { endpoint, bucket, accessKeyId, secretAccessKey } = task.options;
  const client = new AwsClient({
    ...{ accessKeyId: String(accessKeyId), secretAccessKey: String(secretAccessKey) },
    ...{ service: 's3', region: 'us-east-1' },
  });
  const compress = promisify(gzip);
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        const body = await compress(batch.map(({ json }) => `${json}\n`).join(''));
        const key = `${batch[0]?.header.id}_${batch.at(-1)?.header.id}.ndjson.gz`;
        const { status } = await client.fetch(`${endpoint}/${bucket}/${key}`, { method: 'PUT', body });
        if (status !== 200) throw new Error(`answered ${status}`);
      }
    },
    async close() {},
  };
});
