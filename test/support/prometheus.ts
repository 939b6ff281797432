import { spawnSync } from 'node:child_process';

/** Runs promtool, which comes with Prometheus. @param input what it reads from its standard input */
export function promtool(
  args: readonly string[],
  input = '',
): { status: number | null; stdout: string; stderr: string } {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', input });
  if (error !== undefined) throw new Error('there is no promtool: install the package prometheus', { cause: error });
  return { status, stdout, stderr };
}
