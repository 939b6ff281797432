/** What an error says, for a message or a log line of ours; anything else that was thrown, as text. */
export function reasonOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  const shortage = shortages.get(codeOf(error));
  if (shortage !== undefined) return shortage;
  // Node's error of a name with several addresses has no message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error.message;
}

/** Node's name for what the system refused, such as `ENOENT`; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  return Error.isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
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
