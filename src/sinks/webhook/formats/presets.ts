import type { ApiMethods } from '@grammyjs/types';
import type { KnownBlock, MrkdwnElement, PlainTextElement, SectionBlock } from '@slack/types';
import type { RESTPostAPIWebhookWithTokenJSONBody } from 'discord-api-types/v10';
import type { ShapedEnvelope } from '../../../notification/envelope.ts';
import type { Content } from '../../content.ts';
import type { PlaceholderName } from '../../placeholders.ts';
import { type DigestLine, digestOf } from '../../summary/digest.ts';
import { type Severity, severityMark } from '../../summary/severity.ts';
import { type Fact, type Summary, summaryOf } from '../../summary/summary.ts';
import type { PresetName, WebhookOptions } from '../options.ts';

interface Preset {
  /** Requests in so many milliseconds that the service takes, by its documentation. */
  readonly rateLimit: { readonly requests: number; readonly per: number };
  /** Entries of `fields` that the service needs. */
  readonly needs: readonly string[];
  /** What the service takes, with its limits kept. */
  message(told: Told, fields: Readonly<Record<string, string>>): object;
}

/** As the services' own types say it; what of PagerDuty and ntfy there are none is looked at in a test. */
interface SlackMessage {
  readonly text: string;
  readonly unfurl_links: boolean;
  readonly unfurl_media: boolean;
  readonly blocks: KnownBlock[];
}

type TelegramMessage = Parameters<ApiMethods<never>['sendMessage']>[0];

/** A notification for a service; or several, which their `facts` count. */
interface Told extends Summary {
  /** A line for each of several; none of one. */
  readonly lines: readonly DigestLine[];
  /** The same for each repetition. */
  readonly id: string;
  readonly event: string | null;
  readonly at: string | undefined;
  readonly zone: string | undefined;
  /** Where a person finds more, as the operator has configured it. */
  readonly link: string | undefined;
}

/** Limits and rates are those of each service's documentation, whose address stands with it. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  // https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/block-kit/blocks
  slack: {
    rateLimit: { requests: 1, per: 1_000 },
    needs: [],
    message: ({ title, severity, facts, lines, link, id }): SlackMessage => ({
      text: slackText(`${severityMark[severity]}${title}`),
      unfurl_links: false,
      unfurl_media: false,
      blocks: [
        { type: 'header', text: slackPlain(cut(`${severityMark[severity]}${title}`, 150)) },
        ...sections(facts),
        ...(lines.length === 0 ? [] : [slackSection({ text: slackPlain(fitting(lines, 3_000)) })]),
        ...(link === undefined ? [] : [slackSection({ text: slackMarkdown(`<${slackText(link)}|Details>`) })]),
        { type: 'context', elements: [slackPlain(id)] },
      ],
    }),
  },
  // https://adaptivecards.io/explorer/AdaptiveCard.html; 28 KB a message
  teams: {
    rateLimit: { requests: 4, per: 1_000 },
    needs: [],
    message: ({ title, severity, facts, lines, link }) => ({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              {
                type: 'TextBlock',
                size: 'Medium',
                weight: 'Bolder',
                wrap: true,
                color: teamsColour[severity],
                text: markdownText(title),
              },
              {
                type: 'FactSet',
                facts: facts
                  .slice(0, 25)
                  .map(({ name, value }) => ({ title: name, value: markdownText(cut(value, 200)) })),
              },
              ...(lines.length === 0
                ? []
                : [{ type: 'TextBlock', wrap: true, text: fitting(lines, 6_000, '\n\n', markdownText) }]),
            ],
            ...(link !== undefined && { actions: [{ type: 'Action.OpenUrl', title: 'Details', url: link }] }),
          },
        },
      ],
    }),
  },
  // https://discord.com/developers/docs/resources/message#embed-object-embed-limits: 6,000 characters in all
  discord: {
    rateLimit: { requests: 1, per: 2_000 },
    needs: [],
    message: ({ title, severity, facts, lines, link, at, id }): RESTPostAPIWebhookWithTokenJSONBody => ({
      allowed_mentions: { parse: [] },
      embeds: [
        {
          title: cut(markdownText(title), 256),
          color: discordColour[severity],
          fields: facts
            .slice(0, 20)
            .map(({ name, value }) => ({ name: cut(name, 256), value: cut(markdownText(value), 200), inline: true })),
          ...(lines.length > 0 && { description: fitting(lines, 3_000, '\n', markdownText) }),
          footer: { text: id },
          ...(at !== undefined && { timestamp: at }),
          ...(link !== undefined && { url: link }),
        },
      ],
    }),
  },
  // https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
  pagerduty: {
    rateLimit: { requests: 120, per: 60_000 },
    needs: ['routing_key'],
    message: ({ title, severity, facts, lines, link, at, zone, event, id }, { routing_key }) => ({
      routing_key,
      event_action: 'trigger',
      dedup_key: id,
      payload: {
        summary: cut(title, 1_024),
        source: `kazoo/${zone ?? 'unknown'}`,
        severity,
        ...(at !== undefined && { timestamp: at }),
        ...(event !== null && { class: event }),
        custom_details: {
          ...Object.fromEntries(facts.map(({ name, value }) => [name, value])),
          ...(lines.length > 0 && { Notifications: fitting(lines, 10_000) }),
        },
      },
      ...(link !== undefined && { links: [{ href: link, text: 'Details' }] }),
    }),
  },
  // https://docs.ntfy.sh/publish/#publish-as-json; 4,096 bytes a message
  ntfy: {
    rateLimit: { requests: 1, per: 5_000 },
    needs: ['topic'],
    message: ({ title, severity, facts, lines, link }, { topic }) => ({
      topic,
      title: cut(title, 250),
      message: textOf(facts, lines, 1_000),
      priority: ntfyPriority[severity],
      ...(link !== undefined && { click: link }),
    }),
  },
  // https://core.telegram.org/bots/api#sendmessage: 4,096 characters, 20 messages a minute to a group
  telegram: {
    rateLimit: { requests: 20, per: 60_000 },
    needs: ['chat_id'],
    message: ({ title, severity, facts, lines, link }, { chat_id }): TelegramMessage => ({
      chat_id: chat_id ?? '',
      // Without a parse mode, no text means anything but itself.
      text: [`${severityMark[severity]}${title}`, textOf(facts, lines, 3_000), link].filter(Boolean).join('\n'),
      link_preview_options: { is_disabled: true },
    }),
  },
};

/** What the operator has said, or the service does. */
export function rateLimitOf({
  preset,
  rateLimit,
}: Pick<WebhookOptions, 'preset' | 'rateLimit'>): WebhookOptions['rateLimit'] {
  return rateLimit ?? (preset === undefined ? undefined : presets[preset].rateLimit);
}

type Enveloped = { readonly envelope: ShapedEnvelope };

/** @param link as the option `link` has it */
export function presetFormat(name: PresetName, fields: Readonly<Record<string, string>>, link?: string) {
  const contentOf = (told: Omit<Told, 'link'>, about: ShapedEnvelope): Content => {
    const message = presets[name].message({ ...told, link: link && linkOf(link, about) }, fields);
    return { type: 'application/json', text: JSON.stringify(message) };
  };
  return {
    one({ envelope }: Enveloped): Content {
      const { id, event = null, occurred_at: at, zone } = envelope;
      return contentOf({ ...summaryOf(envelope), id, event, at, zone, lines: [] }, envelope);
    },
    several(batch: readonly Enveloped[]): Content {
      const { first, ...digest } = digestOf(batch.map(({ envelope }) => envelope));
      return contentOf({ ...digest, event: null, at: undefined, zone: first.zone }, first);
    },
  };
}

function linkOf(template: string, envelope: ShapedEnvelope): string {
  return template.replace(/\{(\w+)\}/g, (_, name: PlaceholderName) =>
    encodeURIComponent((envelope[name] ?? '').toWellFormed()),
  );
}

const teamsColour: Readonly<Record<Severity, string>> = {
  info: 'Default',
  warning: 'Warning',
  error: 'Attention',
  critical: 'Attention',
};
const discordColour: Readonly<Record<Severity, number>> = {
  info: 0x3b82f6,
  warning: 0xf59e0b,
  error: 0xdc2626,
  critical: 0x991b1b,
};
const ntfyPriority: Readonly<Record<Severity, number>> = { info: 3, warning: 4, error: 4, critical: 5 };

/** Ten fields are the most that a section takes. */
function sections(facts: readonly Fact[]): SectionBlock[] {
  const fields = facts.map(({ name, value }) => slackMarkdown(cut(`*${name}*\n${slackText(value)}`, 2_000)));
  return [fields.slice(0, 10), fields.slice(10, 20)]
    .filter((some) => some.length > 0)
    .map((some) => slackSection({ fields: some }));
}

function slackSection(parts: Omit<SectionBlock, 'type'>): SectionBlock {
  return { type: 'section', ...parts };
}

function slackPlain(text: string): PlainTextElement {
  return { type: 'plain_text', text, emoji: false };
}

function slackMarkdown(text: string): MrkdwnElement {
  return { type: 'mrkdwn', text };
}

/** Slack takes these for mentions and links. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** No character of it means anything to Markdown. */
function markdownText(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-!|>~<@:]/g, '\\$&');
}

function textOf(facts: readonly Fact[], lines: readonly DigestLine[], most: number): string {
  const text = cut(facts.map(({ name, value }) => `${name}: ${value}`).join('\n'), most);
  return lines.length === 0 ? text : `${text}\n${fitting(lines, most - text.length - 1)}`;
}

/** As many of these as there is room for, and how many more there are. */
function fitting(
  lines: readonly DigestLine[],
  most: number,
  between = '\n',
  escaped: (text: string) => string = (text) => text,
): string {
  const told: string[] = [];
  let room = most - between.length - longestRest;
  for (const { severity, text } of lines) {
    const line = escaped(`${severityMark[severity]}${text}`);
    room -= line.length + between.length;
    if (room < 0) break;
    told.push(line);
  }
  const left = lines.length - told.length;
  return [...told, ...(left === 0 ? [] : [`and ${left} more`])].join(between);
}

/** Characters of "and 1000 more". */
const longestRest = 20;

/** As the services count: a character beyond 16 bits is two. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
