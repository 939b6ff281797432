/** SQLite's result code: its lowest eight bits say what it is, the others more of it. Undefined for any other error. */
export function sqliteCodeOf(error: unknown): number | undefined {
  return Error.isError(error) && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** True for an error of SQLite that is one of these, whatever more its result code says. */
export function isSqliteError(error: unknown, codes: readonly number[]): boolean {
  const code = sqliteCodeOf(error);
  return code !== undefined && codes.includes(code & 0xff);
}
