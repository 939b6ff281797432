import type { SinkDeclaration } from '../sink.ts';

export interface FileSinkOptions {
  path: string;
  maxSize: number;
  rotate: number;
  keep: number;
  compress: 'none' | 'gzip';
  mode: string;
}

export const fileDeclaration: SinkDeclaration<FileSinkOptions> = {
  type: 'file',
  summary: 'NDJSON in a file, rotated by size and time',
  options: {
    path: {
      doc: 'File to append to; a missing folder is created.',
      format: 'path',
      default: null,
    },
    maxSize: {
      doc: 'Size at which the file is rotated; 0: never.',
      format: 'size',
      default: 100 * 1024 * 1024,
    },
    rotate: {
      doc: 'Period after which the file is rotated, from midnight in UTC; 0: never.',
      format: 'duration',
      default: 24 * 3_600_000,
    },
    keep: {
      doc: 'Number of rotated files to keep, including those that you compressed to NAME.gz yourself; 0: all.',
      format: 'nat',
      default: 14,
    },
    compress: {
      doc: 'gzip: compress rotated files, without delaying deliveries.',
      format: ['none', 'gzip'],
      default: 'none',
    },
    mode: {
      doc: "Permissions of a new file, in octal and in quotes: '0640'.",
      format: 'file mode',
      default: '0640',
    },
  },
  isLocal: () => true,
  limits: () => ({ batch: { max: 500, linger: 20 }, concurrency: 1 }),
  file: ({ path }) => path,
  warnings({ maxSize, rotate, compress }) {
    if (maxSize > 0 || rotate > 0) return [];
    const grows = { path: ['rotate'], message: 'is 0 like maxSize: the file grows until the disk is full' };
    const idle = { path: ['compress'], message: 'compresses nothing: with maxSize and rotate 0, no file is rotated' };
    return compress === 'none' ? [grows] : [grows, idle];
  },
};
