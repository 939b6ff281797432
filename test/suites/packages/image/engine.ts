import { spawnSync } from 'node:child_process';
import type { Image, ImageConfig } from '../../../../scripts/release/image/dockerfile.ts';

/** Builds images in a store of its own: nothing that the machine has is touched, or left. */
export interface Engine {
  /** Builds the Dockerfile of a folder. @param base the folder that stands in for an image that it names, because none is pulled */
  build(context: string, base: (name: string) => string): Image;
  /** Loads an image from an archive, and says how that would be run. */
  load(archive: string): ImageConfig;
  /** Where it can run what it has built. */
  readonly runner?: Runner;
  /** Docker's address, for Compose. */
  readonly host?: string;
  close(): Promise<void>;
}

/** Runs an image as docker-compose.yml has it: nothing writable but the volume and /tmp, and without rights. */
export interface Runner {
  /** The command line that runs one in a new container, and ends with it. */
  line(container: Container): CommandLine;
  /** The one that runs another in the same container. */
  inside(container: string, command: readonly string[]): CommandLine;
  /** Of the container's first process, as this machine has it. */
  pidOf(container: string): number;
  /** Where a volume's files are. */
  folderOf(volume: string): string;
}

export interface Container {
  readonly name: string;
  /** The image's own, where none is named. */
  readonly user?: string;
  /** The folder that is mounted as /etc/kazoo-relay. */
  readonly config: string;
  readonly volume: string;
  /** In its environment. */
  readonly variable: string;
  readonly command: readonly string[];
}

export type CommandLine = readonly [string, ...string[]];

export interface EngineKind {
  readonly name: string;
  isThere(): boolean;
  start(work: string): Promise<Engine>;
}

export function canRun(...[program, ...args]: CommandLine): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
