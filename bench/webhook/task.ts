/** What the contenders are told. */
export interface WebhookTask {
  /** Of the journal. */
  readonly folder: string;
  readonly url: string;
  readonly items: number;
  readonly concurrency: number;
  readonly secrets: readonly string[];
}
