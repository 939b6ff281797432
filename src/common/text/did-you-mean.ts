/** The candidate that `word` was probably meant to be, or undefined if none comes near. */
export function closestMatch(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(word.length / 3));
  const [best] = candidates
    .filter((candidate) => Math.abs(candidate.length - word.length) <= limit)
    .map((candidate) => ({ candidate, edits: distance(word, candidate) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits);
  return best?.candidate;
}

/**
 * The end of a message about a word that isn't known: the candidate that it was probably meant to be, else what else can
 * be said.
 */
export function suggestionFor(word: string, candidates: readonly string[], otherwise = ''): string {
  const near = closestMatch(word, candidates);
  if (near !== undefined) return `; did you mean ${near}?`;
  return otherwise === '' ? '' : `; ${otherwise}`;
}

/** How many letters must be added, removed or replaced to make one word of the other (Levenshtein). */
function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
