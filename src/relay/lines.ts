import type { Logger } from 'pino';
import { Intake, type IntakeContext } from '../broker/intake.ts';
import { Link } from '../broker/link.ts';
import type { BrokerConfig, Config } from '../config/config.ts';
import type { RevealedPaths } from '../kazoo/redact.ts';
import type { BrokerInsight } from '../ops/insight.ts';
import type { BrokerStatus } from '../ops/status.ts';
import type { Validator } from '../schema/validator.ts';
import { type Changes, changesIn } from './changes.ts';

/** How messages are judged on their way in; a reload changes it while they come. */
export interface Rules {
  validator: Validator;
  reveals: RevealedPaths;
}

/** What a line is made from; where any of it changes, it is made anew. */
interface LineConfig {
  readonly broker: BrokerConfig;
  readonly intake: Config['intake'];
  readonly queue: Config['queue'];
}

/** The intake line of one broker. */
interface Line {
  readonly config: LineConfig;
  readonly intake: Intake;
  readonly link: Link;
}

/** The intake lines, one for each broker. */
export class Lines {
  readonly #context: Omit<IntakeContext, 'validator'>;
  readonly #rules: Rules;
  #lines = new Map<string, Line>();

  constructor(context: Omit<IntakeContext, 'validator'>, rules: Rules) {
    this.#context = context;
    this.#rules = rules;
  }

  get status(): BrokerStatus[] {
    return [...this.#lines.values()].map(lineStatus);
  }

  get insight(): BrokerInsight[] {
    return [...this.#lines.values()].map(lineInsight);
  }

  /**
   * Makes the lines be those of a configuration; those that are so already run on untouched. One that goes commits and
   * acknowledges first what it has taken.
   * @param deadline after which what a line holds stays with its broker
   */
  async replace(config: Config, deadline: AbortSignal): Promise<Changes> {
    const present = new Map([...this.#lines].map(([name, line]) => [name, line.config]));
    const wanted = byName(config);
    const changes = changesIn(present, wanted);
    await Promise.all(
      [...changes.removed, ...changes.replaced].map((name) => this.#lines.get(name)?.link.stop(deadline)),
    );
    const lines = new Map<string, Line>();
    for (const [name, lineConfig] of wanted) {
      const running = changes.unchanged.includes(name) ? this.#lines.get(name) : undefined;
      lines.set(name, running ?? this.#start(lineConfig));
    }
    this.#lines = lines;
    return changes;
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.#lines.values()].map(({ link }) => link.stop(deadline)));
  }

  #start(config: LineConfig): Line {
    const { broker, queue } = config;
    const rules = this.#rules;
    const log: Logger = this.#context.log.child({ zone: broker.zone, broker: hostOf(broker) });
    const validator: Validator = { validate: (event, data) => rules.validator.validate(event, data) };
    const { batch, maxBodySize, maxBodyMembers } = config.intake;
    const options = {
      batch,
      maxBodySize,
      maxBodyMembers,
      get reveals() {
        return rules.reveals;
      },
    };
    const intake = new Intake(options, { ...this.#context, validator, log });
    return { config, intake, link: new Link(broker, { ...config.intake, queue }, intake, log) };
  }
}

/** Names are fit to be shown; one broker may stand there twice. */
function byName({ brokers, intake, queue }: Config): Map<string, LineConfig> {
  const lines = new Map<string, LineConfig>();
  for (const broker of brokers) {
    const name = `${hostOf(broker)} (zone ${broker.zone})`;
    let unique = name;
    for (let number = 2; lines.has(unique); number += 1) unique = `${name} #${number}`;
    lines.set(unique, { broker, intake, queue });
  }
  return lines;
}

function lineStatus({ config: { broker }, intake, link }: Line): BrokerStatus {
  const { state, since, reason = null, code = null } = link.activity;
  const { received, paused, trouble, perSecond: rate } = intake;
  return {
    zone: broker.zone,
    broker: hostOf(broker),
    state,
    since: new Date(since).toISOString(),
    reason: trouble ?? reason,
    code: trouble === null ? code : null,
    rate,
    received,
    paused,
  };
}

function lineInsight(line: Line): BrokerInsight {
  const { intake, link } = line;
  return {
    ...lineStatus(line),
    held: intake.received - intake.committed,
    stuck: link.stuck || intake.stuck,
    link: link.counts,
    intake: intake.counts,
  };
}

function hostOf({ url }: BrokerConfig): string {
  return new URL(url).host;
}
