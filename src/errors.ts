/** What an error says, for a message or a log line of ours; anything else that was thrown, as text. */
export function reasonOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  // Node's error of a name with several addresses has no message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error.message;
}
