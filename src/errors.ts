/** What an error says, for a message or a log line of ours; anything else that was thrown, as text. */
export function reasonOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  // Node's error of a name with several addresses has no message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error.message;
}

/** Why a file can't be read, for a message that names the file. */
export function fileReasonOf(error: unknown): string {
  return fileReasons.get(codeOf(error)) ?? reasonOf(error);
}

/** Node's name for what the system refused, such as `ENOENT`; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  return Error.isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const fileReasons = new Map<string | undefined, string>([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'a part of its path is a file'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'permission denied'],
]);
