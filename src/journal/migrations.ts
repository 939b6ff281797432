/**
 * The SQL that brings a journal from version N to N + 1, oldest first; the version is SQLite's `user_version`. A released
 * one is never changed.
 *
 * Times are Unix milliseconds. `seq` is given by the daemon, never by SQLite: a number must not come back after retention
 * has emptied the table, because routes remember where they are by it.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE notifications (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    fingerprint  TEXT    NOT NULL,
    own_time     INTEGER,
    event        TEXT,
    known        INTEGER NOT NULL,
    category     TEXT,
    account_id   TEXT,
    zone         TEXT    NOT NULL,
    node         TEXT,
    occurred_at  INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    routing_key  TEXT    NOT NULL,
    preview      INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('valid', 'invalid', 'undecodable')),
    problems     TEXT,
    resend_of    TEXT,
    data         TEXT    NOT NULL,
    secrets      TEXT,
    raw          BLOB
  ) STRICT;

  -- Resends are looked up by it. The time comes first, so that inserts stay near the index's end.
  CREATE INDEX notifications_by_occurrence ON notifications (own_time, fingerprint) WHERE own_time IS NOT NULL;
  CREATE INDEX notifications_by_arrival ON notifications (received_at);

  CREATE TABLE routes (
    name   TEXT    PRIMARY KEY,
    cursor INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE deliveries (
    route      TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('quarantined', 'dead')),
    reason     TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (route, seq)
  ) STRICT, WITHOUT ROWID;
  `,
];
