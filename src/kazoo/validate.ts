import type { JsonObject } from '../common/json.ts';
import type { Decoded } from './decode.ts';
import type { Problem } from './notification.ts';

export interface Validator {
  /**
   * What is wrong with a normalised body: what decoding has found, and by its event's schema up to 20 problems, but for
   * those that the operator accepts.
   * @param event the catalogue's name; any other name, or null, is checked as an unknown event
   */
  validate(event: string | null, data: JsonObject, found?: readonly Problem[]): readonly Problem[];

  /** As `Notification.unknownFields`, without those that the operator accepts. */
  unknownFields(event: string | null, data: JsonObject): readonly string[] | null;
}

/** Notes on a notification what is wrong with it by its event's schema, and what no schema knows of it. */
export function validateNotification(decoded: Decoded, validator: Validator): void {
  // A preview is an e-mail template with every field filled by its own name: no schema can say anything about it.
  if (decoded.data === null || decoded.preview) return;
  decoded.problems = validator.validate(decoded.event, decoded.data, decoded.problems);
  decoded.state = decoded.problems.length === 0 ? 'valid' : 'invalid';
  decoded.unknownFields = validator.unknownFields(decoded.event, decoded.data);
}
