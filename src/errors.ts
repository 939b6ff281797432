/** What an error says, for a message or a log line of ours; anything else that was thrown, as text. */
export function reasonOf(error: unknown): string {
  return Error.isError(error) ? error.message : String(error);
}
