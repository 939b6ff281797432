import type { Decoded } from '../kazoo/decoded.ts';
import type { Validator } from './validator.ts';

/** Notes on a notification what is wrong with it by its event's schema. */
export function judge(decoded: Decoded, { validate }: Validator): void {
  // A preview is an e-mail template with every field filled by its own name: no schema can say anything about it.
  if (decoded.data === null || decoded.preview) return;
  const problems = validate(decoded.event, decoded.data);
  if (problems.length === 0) return;
  decoded.state = 'invalid';
  decoded.problems = [...decoded.problems, ...problems];
}
