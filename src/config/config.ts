import type { Level } from 'pino';
import type { TlsFiles } from '../common/net/tls.ts';

/** What a configuration file says, checked and with every default in place. Times are milliseconds, sizes bytes. */
export interface Config {
  readonly include: readonly string[];
  readonly brokers: readonly BrokerConfig[];
  /** Of the daemon, among those that share a journal. */
  readonly name: string;
  readonly queue: {
    readonly name: string;
    readonly type: 'classic' | 'quorum';
    readonly maxLength: number;
    readonly maxLengthBytes: number;
    readonly expires: number;
    readonly consumers: number;
  };
  readonly intake: {
    readonly prefetch: number;
    readonly batch: { readonly max: number; readonly linger: number };
    readonly maxBodySize: number;
    readonly maxBodyMembers: number;
    readonly heartbeat: number;
    readonly connectTimeout: number;
    readonly watch: { readonly interval: number; readonly stalledAfter: number };
  };
  readonly journal: JournalPlace & {
    readonly retention: number;
    readonly deadRetention: number;
    readonly maxSize: number;
    /** 1 is all of it. */
    readonly invalidShare: number;
  };
  readonly memory: { readonly buffers: number };
  readonly validation: {
    readonly schemas: readonly string[];
    /** By event, or a pattern of them: JSON Pointers to what is never wrong. */
    readonly accept: Readonly<Record<string, readonly string[]>>;
  };
  readonly expect: readonly Expectation[];
  readonly routes: readonly RouteConfig[];
  readonly log: { readonly level: Level | 'silent'; readonly format: 'auto' | 'json' | 'pretty' };
  readonly http: {
    readonly listen: string;
    readonly hosts: readonly string[];
    readonly access: { readonly metrics: 'open' | 'login'; readonly users: readonly User[] };
  };
  readonly shutdown: { readonly timeout: number };
}

/** A folder of this machine; or a database that daemons share, with a folder of this machine beside it. */
export type JournalPlace =
  | { readonly path: string; readonly url?: undefined }
  | {
      readonly path?: undefined;
      readonly url: string;
      readonly schema: string;
      readonly spool: string;
      readonly spoolSize: number;
    };

/** Who may log in to the page. */
interface User {
  readonly name: string;
  readonly role: 'reader' | 'operator';
  readonly password: string;
}

/** An event, or a pattern of events, that usually comes. */
export interface Expectation {
  readonly event: string;
  readonly within: number;
  readonly zone: string | undefined;
  /** As `readHours` takes it. */
  readonly hours: string | undefined;
}

export interface BrokerConfig {
  readonly zone: string;
  readonly url: string;
  readonly tls?: TlsFiles | undefined;
}

export interface RouteConfig {
  readonly name: string;
  /** The daemon that alone may run it, where several share the journal. */
  readonly host: string | undefined;
  /** Whether each of them runs it, for what it took itself. */
  readonly every: boolean;
  readonly events: readonly string[];
  readonly accounts: readonly string[];
  readonly zones: readonly string[];
  readonly previews: 'skip' | 'deliver';
  readonly invalid: 'quarantine' | 'deliver';
  readonly resends: 'skip' | 'deliver';
  readonly unknown: 'deliver' | 'quarantine';
  readonly start: 'now' | 'earliest' | number;
  /** An expression of CEL over the envelope. */
  readonly where: string | undefined;
  readonly reveal: readonly string[];
  readonly shape:
    | {
        readonly pick: readonly string[];
        readonly omit: readonly string[];
        readonly set: Readonly<Record<string, unknown>>;
      }
    | undefined;
  readonly order: 'none' | 'account';
  readonly digest: { readonly every: number; readonly per: 'account' | 'route' } | undefined;
  readonly retry: { readonly schedule: readonly number[]; readonly maxWait: number };
  readonly circuit: { readonly failures: number; readonly maxPause: number };
  readonly timeout: number;
  /** `options` are those that the kind of sink declares. */
  readonly sink: { readonly type: string; readonly options: unknown };
}
