/** Kinds of processors, as Debian's packages and images call them. */
export type Arch = keyof typeof archs;

/** How Node's packages and the kernel call them. */
export const archs = {
  amd64: { cpu: 'x64', machine: 'x86_64' },
  arm64: { cpu: 'arm64', machine: 'aarch64' },
} as const;

export const ownArch: Arch = process.arch === 'arm64' ? 'arm64' : 'amd64';

export function isArch(name: string): name is Arch {
  return Object.hasOwn(archs, name);
}
