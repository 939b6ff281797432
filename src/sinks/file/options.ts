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
      doc: 'File that lines are appended to; its folder is made where it is missing.',
      format: 'path',
      default: null,
    },
    maxSize: {
      doc: 'Size at which the file is rotated; 0 is never.',
      format: 'size',
      default: 100 * 1024 * 1024,
    },
    rotate: {
      doc: 'Period after which the file is rotated, counted in UTC from midnight; 0 is never.',
      format: 'duration',
      default: 24 * 3_600_000,
    },
    keep: {
      doc: 'How many rotated files are kept, also those that you have compressed to NAME.gz yourself; 0 is all.',
      format: 'nat',
      default: 14,
    },
    compress: {
      doc: 'gzip: rotated files are compressed, beside the deliveries.',
      format: ['none', 'gzip'],
      default: 'none',
    },
    mode: {
      doc: "Permissions of a new file, in octal and in quotes: '0640'.",
      format: 'file mode',
      default: '0640',
    },
  },
  limits: () => ({ batch: { max: 500, linger: 20 }, concurrency: 1 }),
  file: ({ path }) => path,
  warnings({ maxSize, rotate, compress }) {
    if (maxSize > 0 || rotate > 0) return [];
    const grows = { path: ['rotate'], message: 'is 0 like maxSize: the file grows until the disk is full' };
    const idle = { path: ['compress'], message: 'compresses nothing: with maxSize and rotate 0, no file is rotated' };
    return compress === 'none' ? [grows] : [grows, idle];
  },
};
