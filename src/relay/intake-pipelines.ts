import type { IntakePolicy } from '../broker/examine.ts';
import { Intake, type IntakeContext } from '../broker/intake.ts';
import { Link, type LinkActivity } from '../broker/link.ts';
import { vhostOf } from '../common/net/amqp-url.ts';
import type { BrokerConfig, Config } from '../config/config.ts';
import type { BrokerName, OutageLog } from '../journal/journal.ts';
import type { BrokerSnapshot } from '../ops/runtime-snapshot.ts';
import type { BrokerStatus } from '../ops/status.ts';
import { type Changes, changesIn } from './changes.ts';

/** The configuration of a pipeline; any difference makes a new one. */
interface PipelineConfig {
  readonly broker: BrokerConfig;
  readonly intake: Config['intake'];
  readonly queue: Config['queue'];
}

/** The way from one broker into the journal. */
interface IntakePipeline {
  readonly config: PipelineConfig;
  readonly intake: Intake;
  readonly link: Link;
}

/** One for each broker. */
export class IntakePipelines {
  readonly #context: IntakeContext;
  readonly #outages: OutageLog;
  #policy: IntakePolicy;
  #pipelines = new Map<string, IntakePipeline>();

  constructor(policy: IntakePolicy, context: IntakeContext, outages: OutageLog) {
    this.#outages = outages;
    this.#policy = policy;
    this.#context = context;
  }

  /** From the next message on. */
  use(policy: IntakePolicy): void {
    this.#policy = policy;
    for (const { intake } of this.#pipelines.values()) intake.use(policy);
  }

  get status(): BrokerStatus[] {
    return [...this.#pipelines.values()].map(statusOf);
  }

  get snapshot(): BrokerSnapshot[] {
    return [...this.#pipelines.values()].map(snapshotOf);
  }

  /**
   * Applies a configuration to the pipelines: equal ones continue; one that ends first commits and acknowledges what it
   * holds.
   * @param deadline after which a pipeline leaves what it holds to its broker
   */
  async replace(config: Config, deadline: AbortSignal): Promise<Changes> {
    const present = new Map([...this.#pipelines].map(([name, pipeline]) => [name, pipeline.config]));
    const wanted = byName(config);
    const changes = changesIn(present, wanted);
    await Promise.all([...changes.removed, ...changes.replaced].map((name) => this.#remove(name, deadline)));
    const pipelines = new Map<string, IntakePipeline>();
    for (const [name, pipelineConfig] of wanted) {
      const running = changes.unchanged.includes(name) ? this.#pipelines.get(name) : undefined;
      pipelines.set(name, running ?? this.#start(pipelineConfig));
    }
    this.#pipelines = pipelines;
    return changes;
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.#pipelines.values()].map((pipeline) => stop(pipeline, deadline)));
  }

  /** A broker that was away is no longer one that we miss. */
  async #remove(name: string, deadline: AbortSignal): Promise<void> {
    const pipeline = this.#pipelines.get(name);
    if (pipeline === undefined) return;
    await stop(pipeline, deadline);
    this.#outages.brokerBack(nameOf(pipeline.config), Date.now());
  }

  #start(config: PipelineConfig): IntakePipeline {
    const { broker, queue } = config;
    const log = this.#context.log.child({ zone: broker.zone, broker: hostOf(broker) });
    const intake = new Intake(config.intake, this.#policy, { ...this.#context, log });
    const name = nameOf(config);
    const onChange = ({ state, since, reason, code }: LinkActivity) => {
      if (state === 'away') this.#outages.brokerAway(name, since, reason ?? '', code ?? null);
      else this.#outages.brokerBack(name, since);
    };
    return { config, intake, link: new Link(broker, { ...config.intake, queue }, intake, log, onChange) };
  }
}

async function stop({ link, intake }: IntakePipeline, deadline: AbortSignal): Promise<void> {
  await link.stop(deadline);
  intake.close();
}

/** Names are fit to be shown; one broker may stand there twice. */
function byName({ brokers, intake, queue }: Config): Map<string, PipelineConfig> {
  const pipelines = new Map<string, PipelineConfig>();
  for (const broker of brokers) {
    const name = `${hostOf(broker)} (zone ${broker.zone})`;
    let unique = name;
    for (let number = 2; pipelines.has(unique); number += 1) unique = `${name} #${number}`;
    pipelines.set(unique, { broker, intake, queue });
  }
  return pipelines;
}

function nameOf({ broker }: PipelineConfig): BrokerName {
  return { zone: broker.zone, broker: hostOf(broker) };
}

function statusOf({ config: { broker }, intake, link }: IntakePipeline): BrokerStatus {
  const { state, since, reason = null, code = null } = link.activity;
  const { received, paused, trouble, perSecond: rate } = intake;
  return {
    zone: broker.zone,
    broker: hostOf(broker),
    vhost: vhostOf(new URL(broker.url)),
    state,
    since: new Date(since).toISOString(),
    reason: trouble ?? reason,
    code: trouble === null ? code : null,
    rate,
    received,
    paused,
  };
}

function snapshotOf(pipeline: IntakePipeline): BrokerSnapshot {
  const { intake, link } = pipeline;
  return {
    ...statusOf(pipeline),
    held: intake.received - intake.committed,
    stuck: link.stuck || intake.stuck,
    link: link.counts,
    intake: intake.counts,
  };
}

function hostOf({ url }: BrokerConfig): string {
  return new URL(url).host;
}
