import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Logger } from 'pino';
import { codeOf } from '../../common/errors.ts';
import { accessTo, makeFolder } from '../../common/fs/access.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { messages } from '../../common/messages.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { delivered, type Outcome, type Sink, type SinkContext, type SinkKind, SinkUnavailable } from '../sink.ts';
import { Compressor } from './compressor.ts';
import { withBytesOf } from './line-buffers.ts';
import { type LinesAtEnd, readLinesAtEnd } from './lines-at-end.ts';
import { type FileSinkOptions, fileDeclaration } from './options.ts';
import { freeRotatedName, removeOldest, syncToDisk } from './rotated-files.ts';

/**
 * NDJSON: one envelope a line. A batch is on the disk before it counts as delivered; what may have come before a crash is
 * looked for there, and left out.
 */
export const fileSink: SinkKind<FileSinkOptions> = {
  ...fileDeclaration,

  connectionTest: ({ path }) => accessTo(path),

  async open(options, context) {
    const sink = new FileSink(options, context);
    await sink.prepare();
    return sink;
  },
};

class FileSink implements Sink {
  readonly #options: FileSinkOptions;
  readonly #log: Logger;
  /** It only appends, because a daemon may be writing too: it neither repairs nor rotates. */
  readonly #isGuest: boolean;
  readonly #mayRemoveOld: () => boolean;
  readonly #compressor: Compressor;
  #file: FileHandle | undefined;
  /** What others than this sink have written, or nobody knows who has: read once, when it first matters. */
  #linesBefore: LinesAtEnd | undefined;
  #isClosed = false;

  constructor(options: FileSinkOptions, { log, isGuest = false, mayRemoveOld = () => false }: SinkContext) {
    this.#options = options;
    this.#log = log;
    this.#isGuest = isGuest;
    this.#mayRemoveOld = mayRemoveOld;
    this.#compressor = new Compressor(options, log);
  }

  /** Opens the file, so that a mistake in the path shows at the start and not with the first notification. */
  async prepare(): Promise<void> {
    await this.#orUnavailable(async () => {
      await this.#current();
      // Files left by an earlier run, or rotated when compression was off.
      if (!this.#isGuest) this.#compressor.start(await realpath(this.#options.path));
    });
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    await this.#orUnavailable(async () => {
      const missing = await this.#missingOf(batch, signal);
      if (missing.length === 0) return;
      await this.#append(missing);
    });
    return batch.map(() => delivered);
  }

  /** Those of the batch that aren't in the file yet. */
  async #missingOf(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly Delivery[]> {
    // Possible repeats come first after a start: from here on there are none.
    if (!batch.some(({ mayRepeat }) => mayRepeat)) this.#linesBefore?.clear();
    else this.#linesBefore ??= await this.#readLinesBefore(signal);
    const before = this.#linesBefore;
    if (before === undefined || before.size === 0) return batch;
    // Each line is that of one delivery.
    return batch.filter(
      ({ mayRepeat, header: { id }, json }) => !(mayRepeat && before.get(id) === crc32(json) && before.delete(id)),
    );
  }

  async #readLinesBefore(signal: AbortSignal): Promise<LinesAtEnd> {
    // A crash may have come before they were on the disk.
    await (await this.#current()).datasync();
    return readLinesAtEnd(await realpath(this.#options.path), this.#log, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#compressor.close(), this.#letGo()]);
  }

  async #letGo(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #append(batch: readonly Delivery[]): Promise<void> {
    // What waits for the disk doesn't hold its bytes any more.
    const { file, size } = await withBytesOf(batch, async (lines) => {
      const current = await this.#rotateIfDue(await this.#current(), lines.length);
      const before = (await current.stat()).size;
      await this.#orUndo(current, before, async () => {
        // All at once where the system takes it: appendFile would give it away in small pieces, a turn of the loop for each.
        for (let at = 0; at < lines.length; ) at += (await current.write(lines, at)).bytesWritten;
      });
      return { file: current, size: before };
    });
    await this.#orUndo(file, size, () => file.datasync());
  }

  /**
   * Where it fails, half a line must not stay, because the whole batch comes again; and after a failed sync nobody knows what
   * the file holds, so it is opened and looked at anew.
   */
  async #orUndo(file: FileHandle, size: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#isGuest) {
        await file.truncate(size).catch(() => {
          this.#linesBefore = undefined;
        });
      }
      await this.#letGo().catch(() => undefined);
      throw error;
    }
  }

  /** The open file, if it is still the one at its path: an operator's logrotate may have moved it away. */
  async #current(): Promise<FileHandle> {
    if (this.#file !== undefined && !(await isAt(this.#file, this.#options.path))) await this.#letGo();
    // An attempt that was given up may go on behind the end.
    if (this.#isClosed) throw new Error('the sink is closed');
    this.#file ??= await this.#open();
    return this.#file;
  }

  async #open(): Promise<FileHandle> {
    const { path } = this.#options;
    const file = await this.#openOrMake();
    try {
      if (!(await file.stat()).isFile()) throw new Error('it is not a regular file');
      if (!this.#isGuest) await this.#repairEnd(file);
      await syncToDisk(dirname(path));
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }

  async #openOrMake(): Promise<FileHandle> {
    const { path, mode } = this.#options;
    const { O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
    // Without O_NONBLOCK, opening a named pipe would wait for its reader.
    const attempt = () => open(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, Number.parseInt(mode, 8));
    try {
      return await attempt();
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error;
      // It holds up the process, but a disk that has answered just now won't for long.
      makeFolder(dirname(path), 0o750);
      return attempt();
    }
  }

  /** A crash in the middle of a write leaves half a line. It was never confirmed, so the whole one comes again. */
  async #repairEnd(file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    const end = await endOfLastLine(file, size);
    if (end === size) return;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(ourLine.length), 0, ourLine.length, end);
    const { path } = this.#options;
    if (buffer.toString('utf8', 0, bytesRead) === ourLine.slice(0, bytesRead)) {
      await file.truncate(end);
      this.#log.warn({ path, bytes: size - end }, messages.lineRemoved);
    } else {
      await file.appendFile('\n');
      this.#log.warn({ path }, messages.lineEnded);
    }
  }

  async #rotateIfDue(file: FileHandle, more: number): Promise<FileHandle> {
    const { path, maxSize, rotate, keep } = this.#options;
    const { size, mtimeMs } = await file.stat();
    const isFull = maxSize > 0 && size + more > maxSize;
    const isOld = rotate > 0 && Math.floor(mtimeMs / rotate) < Math.floor(Date.now() / rotate);
    if (this.#isGuest || size === 0 || !(isFull || isOld)) return file;
    // A link stays in its place: its target is rotated.
    const target = await realpath(path);
    await this.#letGo();
    await rename(target, await freeRotatedName(target, new Date()));
    if (keep > 0 && (isFull || this.#mayRemoveOld())) await removeOldest(target, keep);
    this.#compressor.start(target);
    return this.#current();
  }

  async #orUnavailable(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw new SinkUnavailable(`${this.#options.path} can't be written: ${fileReasonOf(cause)}`, { cause });
    }
  }
}

/** How each line of ours begins. */
const ourLine = '{"id":"';

async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const [ours, theirs] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return theirs !== undefined && ours.ino === theirs.ino && ours.dev === theirs.dev;
}

/** Where the last whole line ends: just behind the last line feed. */
async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await file.read(chunk, 0, end - start, start);
    const found = chunk.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (found !== -1) return start + found + 1;
    end = start;
  }
  return 0;
}
