import type { JsonObject } from '../common/json.ts';
import type { Decoded } from './decode.ts';
import type { Problem } from './notification.ts';

export interface Validator {
  /**
   * What is wrong with a normalised body by its event's schema: nothing, or up to 20 problems.
   * @param event the catalogue's name; any other name, or null, is checked as an unknown event
   */
  validate(event: string | null, data: JsonObject): readonly Problem[];
}

/** Notes on a notification what is wrong with it by its event's schema. */
export function validateNotification(decoded: Decoded, { validate }: Validator): void {
  // A preview is an e-mail template with every field filled by its own name: no schema can say anything about it.
  if (decoded.data === null || decoded.preview) return;
  const problems = validate(decoded.event, decoded.data);
  if (problems.length === 0) return;
  decoded.state = 'invalid';
  decoded.problems = [...decoded.problems, ...problems];
}
