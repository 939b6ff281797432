/** What has something to write now and then, with whatever else is written: it costs no commit of its own. */
export interface Companion {
  readonly isDue: boolean;
  /** Within the transaction. */
  write(): void;
  /** It is committed. */
  written(): void;
}
