/** As much of a text's beginning as takes this many bytes in UTF-8, at most: no half of a character is left at its end. */
export function cut(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  const bytes = Buffer.from(text);
  let end = most;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** All bytes of a character but its first. */
function isContinuation(byte = 0): boolean {
  return (byte & 0xc0) === 0x80;
}
