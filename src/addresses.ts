/**
 * For Node's `net.connect` and `tls.connect`, which try the addresses of a name one after the other, and by themselves
 * give each but the last no more than 250 ms, however patient we are. A third for each: where two are dead, a third one
 * has its turn, and there is time for a handshake whose first packet was lost.
 * @param timeout milliseconds within which a connection must be open
 */
export function patienceFor(timeout: number): { readonly autoSelectFamilyAttemptTimeout: number } {
  return { autoSelectFamilyAttemptTimeout: Math.ceil(timeout / 3) };
}
