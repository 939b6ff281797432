/**
 * An event pattern such as `voicemail_*` as a regular expression: `*` stands for any characters, all others for
 * themselves.
 */
export function globToRegExp(pattern: string): RegExp {
  // Runs of stars are one: side by side they would make the engine try every way to share the text between them.
  const parts = pattern.split(/\*+/).map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
