/** Where the configuration has the journal: in a folder of this machine, or in a database that daemons share. */
export type StoreLocation = { readonly path: string; readonly url?: undefined } | SharedLocation;

export interface SharedLocation {
  /** Of PostgreSQL: as `postgresServers` takes it. */
  readonly url: string;
  readonly schema: string;
  /** A folder of this machine for what comes in while the database is away, and how many bytes it may have. */
  readonly spool: string;
  readonly spoolSize: number;
  /** Of the daemon, among those that share it. */
  readonly name: string;
}
