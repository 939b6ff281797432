/*
 * Parameters in PostgreSQL's binary form, made by hand: for a row of a batch, what the library does with arrays of values
 * takes twice as long. Each is one dimension of: length, and bytes; or −1 for null.
 */

/** @param values UUIDs as text, of any case @returns `uuid[]` */
export function uuidArray(values: readonly (string | null)[]): Buffer {
  const { bytes, start } = arrayOf(2950, values, 16);
  let at = start;
  for (const value of values) {
    at = bytes.writeInt32BE(value === null ? -1 : 16, at);
    if (value !== null) at += bytes.write(value.replaceAll('-', ''), at, 'hex');
  }
  return bytes.subarray(0, at);
}

/** `bigint[]`. */
export function bigintArray(values: readonly number[]): Buffer {
  const { bytes, start } = arrayOf(20, values, 8);
  let at = start;
  for (const value of values) {
    at = bytes.writeInt32BE(8, at);
    // As two halves: a bigint of JavaScript's for each would cost more than all the rest.
    at = bytes.writeInt32BE(Math.floor(value / 2 ** 32), at);
    at = bytes.writeUInt32BE(value - Math.floor(value / 2 ** 32) * 2 ** 32, at);
  }
  return bytes;
}

/** `smallint[]`. */
export function smallintArray(values: readonly (number | null)[]): Buffer {
  const { bytes, start } = arrayOf(21, values, 2);
  let at = start;
  for (const value of values) {
    at = bytes.writeInt32BE(value === null ? -1 : 2, at);
    if (value !== null) at = bytes.writeInt16BE(value, at);
  }
  return bytes.subarray(0, at);
}

/** `text[]`, of texts that hold no NUL. */
export function textArray(values: readonly (string | null)[]): Buffer {
  const sizes = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)));
  const { bytes, start } = arrayOf(25, values, sizes);
  let at = start;
  for (const [index, value] of values.entries()) {
    at = bytes.writeInt32BE(sizes[index] ?? -1, at);
    if (value !== null) at += bytes.write(value, at);
  }
  return bytes;
}

/** `bytea[]`. */
export function byteaArray(values: readonly (Uint8Array | null)[]): Buffer {
  const sizes = values.map((value) => value?.byteLength ?? -1);
  const { bytes, start } = arrayOf(17, values, sizes);
  let at = start;
  for (const [index, value] of values.entries()) {
    at = bytes.writeInt32BE(sizes[index] ?? -1, at);
    if (value === null) continue;
    bytes.set(value, at);
    at += value.byteLength;
  }
  return bytes;
}

/** Without what PostgreSQL has no text for: a NUL, or half of a surrogate pair. */
export function storable(text: string): string {
  return text.isWellFormed() && !text.includes('\0') ? text : text.toWellFormed().replaceAll('\0', '\ufffd');
}

/** JSON for a value of type jsonb. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storable(part) : part));
}

/**
 * The head of an array, and room for its elements.
 * @param type the object identifier of its elements' type; @param size of an element, or of each
 */
function arrayOf(
  type: number,
  values: readonly unknown[],
  size: number | readonly number[],
): { bytes: Buffer; start: number } {
  const all = typeof size === 'number' ? values.length * size : size.reduce((sum, one) => sum + Math.max(0, one), 0);
  const bytes = Buffer.allocUnsafe(20 + values.length * 4 + all);
  bytes.writeInt32BE(1, 0);
  // Whether there are nulls: nobody reads that.
  bytes.writeInt32BE(1, 4);
  bytes.writeInt32BE(type, 8);
  bytes.writeInt32BE(values.length, 12);
  return { bytes, start: bytes.writeInt32BE(1, 16) };
}
