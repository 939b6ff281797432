/**
 * How many random cases a property is tried on: few at each submit, and many with `npm run test:long`. Where one fails,
 * fast-check prints the seed that makes it again.
 */
export function runs(atSubmit: number): { readonly numRuns: number } {
  return { numRuns: atSubmit * Number(process.env.RELAY_TEST_RUNS ?? 1) };
}
