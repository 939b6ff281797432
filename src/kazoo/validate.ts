import type { JsonObject } from '../common/json.ts';
import type { Notification, Problem } from '../notification/notification.ts';

export interface Validator {
  /**
   * What is wrong with a normalised body by its event's schema: nothing, or up to 20 problems.
   * @param event the catalogue's name; any other name, or null, is checked as an unknown event
   */
  validate(event: string | null, data: JsonObject): readonly Problem[];
}

/** Notes on a notification what is wrong with it by its event's schema. */
export function validateNotification(notification: Notification, { validate }: Validator): void {
  // A preview is an e-mail template with every field filled by its own name: no schema can say anything about it.
  if (notification.data === null || notification.header.preview) return;
  const problems = validate(notification.header.event, notification.data);
  if (problems.length === 0) return;
  notification.state = 'invalid';
  notification.problems = [...notification.problems, ...problems];
}
