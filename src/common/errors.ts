import { constants } from 'node:os';

/** The message of an error, for a message or log line of ours; of any other thrown value, its text. */
export function reasonOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  const shortage = shortages.get(codeOf(error));
  if (shortage !== undefined) return shortage;
  // Node's error of a name with several addresses has no message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error.message;
}

/** The name of what the system refused, such as `ENOENT`, or another code of Node's; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  if (!Error.isError(error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return isNameless.test(error.code) && 'errno' in error ? (nameOf(error.errno) ?? error.code) : error.code;
}

/** What Node says where it knows the number alone, as of a quota that is used up: of a file, and of a connection. */
const isNameless = /^(UNKNOWN|Unknown system error)/;

function nameOf(errno: unknown): string | undefined {
  const [name] = Object.entries(constants.errno).find(([, number]) => number === -Number(errno)) ?? [];
  return name;
}

/** What the process lacks, whatever it was about to do. */
const shortages = new Map<string | undefined, string>([
  ['EDQUOT', "this user's quota on the disk is used up"],
  [
    'EMFILE',
    'this process has too many files and connections open: raise its limit (LimitNOFILE= of the unit, ulimit -n)',
  ],
  ['ENFILE', 'this machine has too many files open'],
]);
