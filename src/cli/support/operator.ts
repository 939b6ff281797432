import { hostname, userInfo } from 'node:os';
import type { Operator } from '../../journal/operator-store.ts';

/** Who runs the command, and from where: the user behind sudo, and the machine behind SSH. */
export function operatorOf(env: NodeJS.ProcessEnv): Operator {
  const [client] = env.SSH_CONNECTION?.split(' ') ?? [];
  const place = hostname();
  return { who: env.SUDO_USER || userName(), from: client ? `${place}, by SSH from ${client}` : place };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`; // who has no name
  }
}
