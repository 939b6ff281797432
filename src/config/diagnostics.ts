/** Keys, and places in lists, that lead to a value. */
export type Path = readonly (string | number)[];

/**
 * Where something of the configuration is said: in a file, or by what overrides it, such as `KAZOO_RELAY_LOG_LEVEL`.
 */
export interface Place {
  readonly source: string;
  /** Both count from 1; only a file has them. */
  readonly line?: number;
  readonly column?: number;
}

/** What is wrong, or surely not meant, before its place is known. */
export interface Mistake {
  readonly path: Path;
  readonly message: string;
  /** What stands there, as JSON, masked where it is a secret. */
  readonly value?: string;
  /** The key that was probably meant by the last one of the path. */
  readonly meant?: string;
}

/** What is wrong, or surely not meant, and where. */
export interface Finding extends Place {
  /** `routes.archive.events`; empty for what is wrong with a file as a whole. */
  readonly option: string;
  readonly message: string;
  /** What stands there, as JSON, masked where it is a secret. */
  readonly value?: string;
  /** What it stands for, where it came from elsewhere: `${env:NAME}`. */
  readonly from?: string;
}

/** A configuration that can't be used; the message lists every mistake with its place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** `/etc/kazoo-relay/kazoo-relay.yaml:3:5: log.level must be one of debug, info: value was "loud"`. */
export function findingText({ option, message, value, from, ...place }: Finding): string {
  const origin = from === undefined ? '' : `${value === undefined ? ': value is that of' : ', of'} ${from}`;
  const shown = value === undefined ? '' : `: value was ${value}`;
  return `${placeText(place)}: ${option === '' ? '' : `${option} `}${message}${shown}${origin}`;
}

export function placeText({ source, line, column }: Place): string {
  return line === undefined ? source : `${source}:${line}:${column ?? 1}`;
}

/** `routes.archive.events`, `brokers[0].url`. */
export function nameOf(path: Path): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`)).join('');
}

/** True where the path leads to what `other` leads to, or to something in it. */
export function isWithin(path: Path, other: Path): boolean {
  return other.every((key, index) => path[index] === key);
}
