/** No request can be made of this notification, now or later; the message is the reason. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}
