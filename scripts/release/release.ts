import type { Arch } from './arch.ts';

/** What each part is made from. */
export interface Release {
  readonly version: string;
  /** Unix seconds: the time of every file. */
  readonly epoch: number;
  /** The kind of processor that it is for. */
  readonly arch: Arch;
  /** The folder that takes what is made; other parts write there too. */
  readonly out: string;
  /** The checkout. */
  readonly root: string;
  /**
   * All that an installation consists of, Node too, as `deploy/install.sh` would put it into /opt: with times, and with
   * modes as the umask doesn't matter. Made once, when it is first asked for. Copy from it; never write into it.
   */
  readonly tree: () => string;
  /** A folder for what is temporary; it goes with the run. */
  readonly work: string;
  /** False for packages that only a test installs: they are larger, and made in a fraction of the time. */
  readonly compress?: boolean;
}

export interface Part {
  build(release: Release): Promise<void>;
}
