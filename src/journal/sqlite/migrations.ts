/*
 * Parts of the tenth migration: as it, they are never changed.
 */

/** Fills the tables of counts from the records. */
export const countAll = `
  INSERT INTO delivery_groups
    SELECT route, state, reason, event, count(*), min(updated_at), max(updated_at) FROM deliveries GROUP BY 1, 2, 3, 4;
  INSERT INTO delivery_totals
    SELECT d.route, state, count(*), sum(state <> 'waiting' AND updated_at > ifnull(at, 0))
    FROM deliveries d LEFT JOIN looks USING (route) GROUP BY 1, 2;`;

const unseen = (row: 'OLD' | 'NEW') =>
  `${row}.state <> 'waiting' AND ${row}.updated_at > ifnull((SELECT at FROM looks WHERE route = ${row}.route), 0)`;

const countedIn = `
    INSERT INTO delivery_groups VALUES (NEW.route, NEW.state, NEW.reason, NEW.event, 1, NEW.updated_at, NEW.updated_at)
      ON CONFLICT DO UPDATE SET count = count + 1, first = min(first, excluded.first), last = max(last, excluded.last);
    INSERT INTO delivery_totals VALUES (NEW.route, NEW.state, 1, ${unseen('NEW')})
      ON CONFLICT DO UPDATE SET count = count + 1, unseen = unseen + excluded.unseen;`;

const oldGroup = 'route = OLD.route AND state = OLD.state AND reason = OLD.reason AND event = OLD.event';
const countedOut = `
    UPDATE delivery_groups SET count = count - 1 WHERE ${oldGroup};
    DELETE FROM delivery_groups WHERE ${oldGroup} AND count = 0;
    UPDATE delivery_totals SET count = count - 1, unseen = unseen - (${unseen('OLD')}) WHERE route = OLD.route AND state = OLD.state;
    DELETE FROM delivery_totals WHERE route = OLD.route AND state = OLD.state AND count = 0;`;

/**
 * The SQL that brings a journal from version N to N + 1, oldest first; the version is SQLite's `user_version`. A
 * released one is never changed.
 *
 * Times are Unix milliseconds. `seq` is given by the daemon, never by SQLite: a number must not come back after
 * retention has emptied the table, because routes remember where they are by it.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE notifications (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    fingerprint  TEXT    NOT NULL,
    own_time     INTEGER,
    occurred_at  INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    -- What else is known of it, as a JSON array: see head.ts.
    head         TEXT    NOT NULL,
    data         TEXT    NOT NULL,
    raw          BLOB
  ) STRICT;
  -- The same with what stands in the heads. Generated columns would be worked out with each insert.
  CREATE VIEW entries AS SELECT seq, id, occurred_at, received_at, head, data,
    head ->> 0 AS event,
    head ->> 1 AS known,
    head ->> 2 AS category,
    head ->> 3 AS account_id,
    head ->> 4 AS zone,
    head ->> 5 AS node,
    head ->> 6 AS routing_key,
    head ->> 7 AS preview,
    head ->> 8 AS state,
    head ->> 9 AS problems,
    head ->> 10 AS resend_of,
    head ->> 11 AS secrets
  FROM notifications;

  -- Resends are looked up by it. The time comes first, so that inserts stay near the index's end.
  CREATE INDEX notifications_by_occurrence ON notifications (own_time, fingerprint) WHERE own_time IS NOT NULL;

  -- An index over events and times: see Blocks.
  CREATE TABLE blocks (
    block  INTEGER PRIMARY KEY,
    newest INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE block_events (
    block INTEGER NOT NULL,
    event TEXT    NOT NULL,
    PRIMARY KEY (block, event)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX block_events_by_event ON block_events (event);

  CREATE TABLE routes (
    name   TEXT    PRIMARY KEY,
    cursor INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What isn't settled though its route's cursor has passed it. The route '' is the journal itself: what can't be decoded
  -- is quarantined for all.
  CREATE TABLE deliveries (
    route      TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    account_id TEXT,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'quarantined', 'dead', 'undecodable')),
    reason     TEXT    NOT NULL,
    attempts   TEXT    NOT NULL,
    due_at     INTEGER,
    updated_at INTEGER NOT NULL,
    UNIQUE (route, seq)
  ) STRICT;
  CREATE INDEX deliveries_due ON deliveries (route, state, due_at);
  CREATE INDEX deliveries_by_account ON deliveries (route, account_id, seq) WHERE state = 'waiting';
  CREATE INDEX deliveries_by_seq ON deliveries (seq);
  CREATE INDEX deliveries_by_age ON deliveries (updated_at) WHERE state <> 'waiting';
  `,
  `
  -- What an operator has dropped before its route's cursor had passed it. Without a line in deliveries, a route that is
  -- started from that cursor would take it for one that it hasn't come to.
  CREATE TABLE dropped (
    route TEXT    NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (route, seq)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What is known of the journal as a whole, by name: sums, counts, and times in Unix milliseconds.
  CREATE TABLE facts (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Undecodable and invalid notifications, in the order in which they make way: see Invalid. Bytes are those of the body, of
  -- the head, and 256 for the rest of the row with its lines in indexes.
  CREATE TABLE invalid (
    rank  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (rank, seq)
  ) STRICT, WITHOUT ROWID;

  -- The sum of these bytes, whoever changes the table.
  INSERT INTO facts (name, value) VALUES ('invalid_bytes', 0);
  CREATE TRIGGER invalid_added AFTER INSERT ON invalid BEGIN
    UPDATE facts SET value = value + NEW.bytes WHERE name = 'invalid_bytes';
  END;
  CREATE TRIGGER invalid_removed AFTER DELETE ON invalid BEGIN
    UPDATE facts SET value = value - OLD.bytes WHERE name = 'invalid_bytes';
  END;

  INSERT INTO invalid (rank, seq, bytes)
    SELECT CASE WHEN head ->> 8 = 'undecodable' THEN 0 WHEN head ->> 1 THEN 2 ELSE 1 END, seq,
      octet_length(data) + ifnull(octet_length(raw), 0) + octet_length(head) + 256
    FROM notifications WHERE CASE WHEN json_valid(head) THEN head ->> 8 <> 'valid' END;
  `,
  `
  -- What a route has settled beyond its cursor, which an earlier entry holds back: a JSON array of seqs. Only a route that is
  -- started before the cursor has passed them asks for it.
  CREATE TABLE settled_ahead (
    route TEXT PRIMARY KEY,
    seqs  TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- All that a group of dead letters is shown with, in the order of groups: a million is counted without the lines themselves.
  CREATE INDEX deliveries_by_reason ON deliveries (route, state, reason, updated_at, due_at) WHERE state <> 'waiting';
  `,
  `
  -- What became of deliveries, in the order of its commits: see DeliveryLog. A row is about all entries from the first to
  -- the last, but those in its gaps (a JSON array: from, to, from, to, … behind the first); or about one by itself, and has
  -- no gaps then.
  CREATE TABLE delivery_log (
    number   INTEGER PRIMARY KEY,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    route    TEXT    NOT NULL,
    outcome  TEXT    NOT NULL CHECK (outcome IN ('delivered', 'dropped', 'expired')),
    code     ANY,
    by       TEXT,
    gaps     TEXT
  ) STRICT;
  CREATE INDEX delivery_log_by_place ON delivery_log (route, gaps IS NULL, last);

  -- How many deliveries of each route and event came to which end, in spans of so many milliseconds: see DeliveryCounts.
  CREATE TABLE delivery_counts (
    span        INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    route       TEXT    NOT NULL,
    event       TEXT    NOT NULL,
    delivered   INTEGER NOT NULL,
    dead        INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    last        INTEGER,
    PRIMARY KEY (span, start, route, event)
  ) STRICT, WITHOUT ROWID;

  -- What each route selects, from behind a place on. Nobody knows what it was for the routes that there are already.
  CREATE TABLE selections (
    route     TEXT    NOT NULL,
    after     INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    selection TEXT,
    PRIMARY KEY (route, after)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO selections SELECT name, -1, 0, NULL FROM routes;

  -- When nothing was taken from a broker; or by nobody, where it names none.
  CREATE TABLE outages (
    number INTEGER PRIMARY KEY,
    since  INTEGER NOT NULL,
    until  INTEGER,
    zone   TEXT    NOT NULL,
    broker TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    code   ANY
  ) STRICT;
  `,
  `
  -- Routes that an operator has paused, since when, and who it was.
  CREATE TABLE paused (
    route TEXT    PRIMARY KEY,
    at    INTEGER NOT NULL,
    who   TEXT    NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What operators have done: see ActRows. The selection is a JSON object; the count grows with each step of an act.
  CREATE TABLE audit (
    number    INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    who       TEXT    NOT NULL,
    origin    TEXT    NOT NULL,
    act       TEXT    NOT NULL,
    selection TEXT    NOT NULL,
    count     INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX audit_by_age ON audit (at);

  -- When an operator last looked at what is dead or quarantined on a route; '' is what can't be decoded.
  CREATE TABLE looks (
    route TEXT    PRIMARY KEY,
    at    INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What of notifications fits no schema, counted by its kind: see Drift.
  CREATE TABLE drift (
    event   TEXT    NOT NULL,
    path    TEXT    NOT NULL,
    keyword TEXT    NOT NULL,
    known   INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    -- The id of the last one.
    example TEXT    NOT NULL,
    PRIMARY KEY (event, path, keyword)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Entries that brokers have sent again, which was dropped: how often, and when last.
  CREATE TABLE redeliveries (
    seq   INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    last  INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- The event of each record's notification, by which records are grouped and found; '' where it has none.
  ALTER TABLE deliveries ADD COLUMN event TEXT NOT NULL DEFAULT '';
  UPDATE deliveries SET event = ifnull(
    (SELECT CASE WHEN json_valid(head) THEN head ->> 0 END FROM notifications n WHERE n.seq = deliveries.seq), '');
  -- Each group's records, in the order of their rowids.
  CREATE INDEX deliveries_by_group ON deliveries (route, state, reason, event);
  DROP INDEX deliveries_by_reason;

  -- How many records there are, whoever changes them: a million are counted by a look.
  CREATE TABLE delivery_groups (
    route  TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    event  TEXT    NOT NULL,
    count  INTEGER NOT NULL,
    -- When the first and the latest one came into it, since there are any.
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (route, state, reason, event)
  ) STRICT, WITHOUT ROWID;
  -- The same by route and state, with how many there are that no operator has looked at.
  CREATE TABLE delivery_totals (
    route  TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    count  INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    PRIMARY KEY (route, state)
  ) STRICT, WITHOUT ROWID;
  ${countAll}

  CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN ${countedIn} END;
  CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN ${countedOut} END;
  -- What waits for another time than before stays where it is.
  CREATE TRIGGER delivery_changed AFTER UPDATE OF route, state, reason, event, updated_at ON deliveries
    WHEN (OLD.route, OLD.state, OLD.reason, OLD.event) IS NOT (NEW.route, NEW.state, NEW.reason, NEW.event)
      OR (NEW.state <> 'waiting' AND OLD.updated_at <> NEW.updated_at)
    BEGIN ${countedIn} ${countedOut} END;
  CREATE TRIGGER looked AFTER INSERT ON looks BEGIN
    UPDATE delivery_totals SET unseen = (
        SELECT count(*) FROM deliveries d
        WHERE d.state <> 'waiting' AND updated_at > NEW.at AND +d.route = NEW.route AND +d.state = delivery_totals.state)
      WHERE route = NEW.route AND state <> 'waiting';
  END;
  `,
  `
  -- How far an act is, as a JSON object: see ActProgress. Null where nobody is told.
  ALTER TABLE audit ADD COLUMN progress TEXT;
  `,
];
