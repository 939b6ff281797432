/**
 * How often something random is tried: seldom at each submit, and often with `npm run test:long`.
 * @param atSubmit enough to find a fault that is in the way of many
 */
export function rounds(atSubmit: number): number {
  return atSubmit * Number(process.env.RELAY_TEST_RUNS ?? 1);
}

/**
 * The same for a property. Where it fails, fast-check prints the seed that makes the failure again.
 * @param more how many times as often as others it is tried with `npm run test:long`
 */
export function runs(atSubmit: number, more = 1): { readonly numRuns: number } {
  return { numRuns: rounds(atSubmit) * (process.env.RELAY_TEST_RUNS === undefined ? 1 : more) };
}
