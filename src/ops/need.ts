/** Something for an operator to do. */
export interface Need {
  /** What is wrong, since when, in plain words. */
  readonly what: string;
  /** Why, in the words of whoever fails or refuses. */
  readonly why?: string;
  /** What becomes of notifications meanwhile. */
  readonly kept?: string;
  readonly cure: string;
  /** The route whose records it is about, which say why; '' is what could not be decoded. */
  readonly recordsOf?: string;
}
