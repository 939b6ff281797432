/** Characters after which a piece ends. */
const pieceLength = 16 * 1024;

/**
 * Joins lines to pieces of some thousand characters, each of which ends with a line. V8 keeps a joined text as a tree
 * until its characters are asked for; one of hundreds of lines it then copies to memory that is fresh from the system,
 * which costs more than all else that is done with it.
 */
export function piecesOf(lines: Iterable<string>): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < pieceLength) continue;
    pieces.push(piece);
    piece = '';
  }
  if (piece !== '') pieces.push(piece);
  return pieces;
}
