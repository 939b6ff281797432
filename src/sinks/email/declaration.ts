import { reasonOf } from '../../common/errors.ts';
import type { OptionIssue } from '../../common/options/declare.ts';
import { certificateWithKey } from '../../common/options/tls-options.ts';
import { when } from '../../common/options/value-checks.ts';
import { excerptOf } from '../../common/text/slips.ts';
import type { Delivery, EnvelopeKey } from '../../notification/envelope.ts';
import type { SinkDeclaration } from '../sink.ts';
import { createTemplate, templatePaths } from '../template/template.ts';
import { revealedBy, unencrypted } from '../unencrypted.ts';
import { besideEnvelope, createLetters, templatesOf } from './letter.ts';
import { type EmailSinkOptions, emailOptions } from './options.ts';
import { placeOf } from './place.ts';
import { createRecipients, fieldIn } from './recipients.ts';

export const emailDeclaration: SinkDeclaration<EmailSinkOptions> = {
  type: 'email',
  summary: 'an e-mail for each notification, through a mail server of yours',
  options: emailOptions,
  isLocal: () => false,
  limits: ({ connections }) => ({ batch: { max: 1, linger: 0 }, concurrency: connections }),
  rules: [
    ({ to, toByAccount }) =>
      to.length > 0 || Object.keys(toByAccount).length > 0
        ? []
        : [{ path: ['to'], message: 'is required where toByAccount has no addresses' }],
    ({ template }) => templatesOf(template).flatMap(({ name, template }) => unreadable(name, template)),
    certificateWithKey,
    ({ url, starttls, tls }) =>
      starttls || placeOf({ url }).isTls
        ? []
        : Object.entries(tls).flatMap(([name, value]) =>
            value === undefined ? [] : [{ path: ['tls', name], message: 'is only for smtps://, or starttls: true' }],
          ),
  ],
  schemaRules: [
    { anyOf: [{ required: ['to'] }, { required: ['toByAccount'] }] },
    when(
      { starttls: { enum: [false, 'false'] }, url: { pattern: '^smtp:' } },
      { properties: { tls: { maxProperties: 0 } } },
    ),
  ],
  requiredKeys({ to, toByAccount }) {
    const keys: EnvelopeKey[] = [];
    if (to.some((text) => fieldIn(text) !== undefined)) keys.push('data');
    if (Object.keys(toByAccount).length > 0) keys.push('account_id');
    return keys;
  },
  warnings(options, { reveal }) {
    const { host, isTls } = placeOf(options);
    if (isTls || options.starttls) return [];
    return unencrypted(['url'], host, [
      ...(options.auth === undefined ? [] : ['auth.password']),
      ...revealedBy(reveal),
    ]);
  },
  paths: ({ to, template }) => [
    ...to.flatMap((text, index) => {
      const path = fieldIn(text);
      return path === undefined ? [] : [{ at: ['to', index], path }];
    }),
    ...templatesOf(template).flatMap(({ name, template }) =>
      templatePaths(template, besideEnvelope).map((path) => ({ at: ['template', name], path })),
    ),
  ],
  rehearse,
  digests: () => true,
};

/** Finds out who would get it, and renders the templates. */
function rehearse(options: EmailSinkOptions): ((delivery: Delivery) => OptionIssue | undefined) | undefined {
  const hasFields = options.to.some((text) => fieldIn(text) !== undefined);
  // All else is right for every notification, or depends on its account.
  if (!hasFields && options.template === undefined) return undefined;
  const recipientsOf = createRecipients({ ...options, toByAccount: {} });
  const letterOf = createLetters(options, '');
  return ({ envelope }) => {
    try {
      if (hasFields && Object.keys(options.toByAccount).length === 0) recipientsOf(envelope);
    } catch (error) {
      return { path: ['to'], message: reasonOf(error) };
    }
    try {
      letterOf({ envelope });
      return undefined;
    } catch (error) {
      return { path: ['template'], message: reasonOf(error) };
    }
  };
}

function unreadable(name: string, template: Parameters<typeof createTemplate>[0]): OptionIssue[] {
  try {
    createTemplate(template, () => ({}));
    return [];
  } catch (error) {
    return [{ path: ['template', name], message: reasonOf(error), ...excerptOf(error) }];
  }
}
