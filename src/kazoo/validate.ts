import type { JsonObject } from '../common/json.ts';
import type { Notification, Problem } from '../notification/notification.ts';

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

/** Records on a notification the problems by its event's schema, and the fields that no schema has. */
export function validateNotification(notification: Notification, validator: Validator): void {
  const { header, data } = notification;
  // A preview is an e-mail template with every field filled by its own name: no schema can say anything about it.
  if (data === null || header.preview) return;
  notification.problems = validator.validate(header.event, data, notification.problems);
  notification.state = notification.problems.length === 0 ? 'valid' : 'invalid';
  notification.unknownFields = validator.unknownFields(header.event, data);
}
