/** What a request carries. */
export interface Content {
  readonly type: string;
  readonly text: string;
  /** Headers beside `content-type`, with values that are fit for one. */
  readonly headers?: Readonly<Record<string, string>>;
}
