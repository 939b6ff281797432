import type { Logger } from 'pino';
import { messages } from '../common/messages.ts';
import type { BodyLimits } from '../kazoo/body.ts';
import { decode, undecodable } from '../kazoo/decode.ts';
import { type RevealedPaths, redact } from '../kazoo/redact.ts';
import { type Validator, validateNotification } from '../kazoo/validate.ts';
import type { Message, Notification } from '../notification/notification.ts';

/** How messages are judged on their way in. */
export interface IntakePolicy {
  readonly validator: Validator;
  readonly reveals: RevealedPaths;
}

/** What is committed together has about so many characters at most: bodies may unpack to much more than came in. */
const maxCommitCharacters = 8 * 1024 * 1024;

/** For so long messages are examined in one go, in milliseconds: then the rest of the daemon has its turn. */
const longestTurn = 50;

/**
 * Decodes, validates and redacts messages from one on, until there is enough for one commit, or the turn is over: a few
 * bytes of gzip may unpack to very many, of which nothing may be left to commit.
 * @returns at least one notification, in the messages' order, the bytes of the messages' bodies, and the characters that
 *   the journal is given
 */
export function examine(
  messages: readonly Message[],
  first: number,
  limits: BodyLimits,
  policy: IntakePolicy,
  log: Logger,
): { notifications: Notification[]; bytes: number; characters: number } {
  const notifications: Notification[] = [];
  const until = performance.now() + longestTurn;
  const guarded: IntakePolicy = { validator: withoutThrowing(policy.validator, log), reveals: policy.reveals };
  let characters = 0;
  let bytes = 0;
  for (let index = first; index < messages.length && characters < maxCommitCharacters; index += 1) {
    if (index > first && performance.now() > until) break;
    const message = messages[index];
    if (message === undefined) break;
    const notification = notificationOf(message, limits, guarded, log);
    notifications.push(notification);
    characters += notification.json.length + (notification.raw?.length ?? 0);
    bytes += message.body.length;
  }
  return { notifications, bytes, characters };
}

/** A message that brings out a bug of ours must not keep itself and all after it out of the journal. */
function notificationOf(
  message: Message,
  limits: BodyLimits,
  { validator, reveals }: IntakePolicy,
  log: Logger,
): Notification {
  try {
    const notification = decode(message, limits);
    validateNotification(notification, validator);
    return redact(notification, reveals);
  } catch (error) {
    log.error({ err: error }, messages.notProcessed);
    return undecodable(message, { path: '', keyword: 'internal', message: 'the body could not be processed' });
  }
}

/**
 * A validator that throws is a bug, of ours or in an operator's schema: it must not keep the message out of the
 * journal.
 */
function withoutThrowing(validator: Validator, log: Logger): Validator {
  return {
    validate(event, data, found = []) {
      try {
        return validator.validate(event, data, found);
      } catch (error) {
        log.error({ err: error, event }, messages.notValidated);
        return [...found, { path: '', keyword: 'validator', message: 'could not be validated' }];
      }
    },
    unknownFields: validator.unknownFields,
  };
}
