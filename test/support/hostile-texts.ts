/** Texts that break what was made for plain ones: markup, terminals, SQL, CSV, templates, paths, and what is no text at all. */
export const hostileTexts: readonly string[] = [
  '',
  '"><script>alert(1)</script>\u202e\u001b[31m\'&',
  "'; DROP TABLE notifications; --",
  '\\\\"\\',
  '\\u0000 \\x00 %00 \\N',
  '$\u007bjndi:ldap://x} {{ 7 | times: 7 }} {id} $1 :id ?',
  '../../etc/passwd',
  'one\r\ntwo\nthree\u2028four\u0085five',
  'a\0b',
  'half \ud83d a pair, \udc00 and the other',
  '\ufeff\u200b\u2066e\u0301\u{1f418}\u{10ffff}',
  '{},"[]\t\u007f\u009b',
  '__proto__',
  'x'.repeat(255),
];
