import { open } from 'node:fs/promises';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write: the lines of a batch in one write, and then on the disk.

await contend<SinkTask>(async (task) => {
  const file = await open(String(task.options.path), 'a');
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        await file.write(batch.map(({ json }) => `${json}\n`).join(''));
        await file.datasync();
      }
    },
    close: () => file.close(),
  };
});
