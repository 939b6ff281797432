import { blockSize } from './blocks.ts';
import { operatorFunctions } from './operator-functions.ts';
import { outageFunctions } from './outage-functions.ts';
import { tidyingFunctions } from './tidying-functions.ts';

/**
 * The SQL that brings a shared journal from version N to N + 1, oldest first; a released one is never changed. It runs with
 * the journal's schema as the search path, in one transaction, while nobody else migrates.
 *
 * Times are Unix milliseconds of the database's clock; but `received_at` and `occurred_at`, which are those of the
 * notification. No row is updated often: what changes with each append, settlement or renewal is a new row, of which the
 * newest counts. See docs/design.md for why.
 */
export const migrations: readonly string[] = [
  `
  CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

  -- Valid notifications, by ranges of places; retention drops those that are over. See log-ranges.ts.
  CREATE TABLE log (
    seq         bigint NOT NULL,
    id          uuid   NOT NULL,
    received_at bigint NOT NULL,
    occurred_at bigint NOT NULL,
    -- The daemon that has taken it: hosts.number.
    origin      integer NOT NULL,
    event       text,
    account_id  text,
    -- The id of the first one of which KAZOO published this one again.
    resend_of   uuid,
    -- What else is known of it: as in the SQLite store, whose place for resend_of is null here.
    head        text NOT NULL,
    data        text NOT NULL,
    raw         bytea,
    PRIMARY KEY (seq)
  ) PARTITION BY RANGE (seq);
  CREATE INDEX log_resends ON log (resend_of) WHERE resend_of IS NOT NULL;
  CREATE TABLE log_0 PARTITION OF log FOR VALUES FROM (0) TO (65536);

  -- Those that aren't dropped with their range: what isn't valid, from the beginning; what a route still lists, from the
  -- time on when its range is dropped.
  CREATE TABLE kept (
    LIKE log,
    -- In which order what isn't valid makes way: 0 is undecodable, 1 of an unknown event, 2 of a known one; null is valid.
    rank        smallint,
    -- What it takes, of what isn't valid.
    bytes       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (seq)
  );
  CREATE INDEX kept_resends ON kept (resend_of) WHERE resend_of IS NOT NULL;
  CREATE INDEX kept_by_rank ON kept (rank, seq, bytes) WHERE rank IS NOT NULL;

  CREATE VIEW entries AS
    SELECT seq, id, received_at, occurred_at, origin, event, account_id, resend_of, head, data, raw FROM log
    UNION ALL
    SELECT seq, id, received_at, occurred_at, origin, event, account_id, resend_of, head, data, raw FROM kept;

  -- Which place an id has: a redelivery has one already. A partition a day of the id's time; one for those without a time; what
  -- is outside of them all is in the default one. Retention drops those of days, and finds rows in the other two by their places.
  CREATE TABLE ids (id uuid PRIMARY KEY, seq bigint NOT NULL) PARTITION BY RANGE (id);
  CREATE TABLE ids_timeless PARTITION OF ids
    FOR VALUES FROM ('00000000-0000-0000-0000-000000000000') TO ('00000000-0001-0000-0000-000000000000');
  CREATE TABLE ids_default PARTITION OF ids DEFAULT;
  CREATE INDEX ids_timeless_by_seq ON ids_timeless (seq);
  CREATE INDEX ids_default_by_seq ON ids_default (seq);

  -- The first one of each occurrence: see occurrenceOf. By days of the occurrence's time, as ids.
  CREATE TABLE occurrences (occurrence uuid PRIMARY KEY, id uuid NOT NULL, seq bigint NOT NULL) PARTITION BY RANGE (occurrence);
  CREATE TABLE occurrences_timeless PARTITION OF occurrences
    FOR VALUES FROM ('00000000-0000-0000-0000-000000000000') TO ('00000000-0001-0000-0000-000000000000');
  CREATE TABLE occurrences_default PARTITION OF occurrences DEFAULT;
  CREATE INDEX occurrences_timeless_by_seq ON occurrences_timeless (seq);
  CREATE INDEX occurrences_default_by_seq ON occurrences_default (seq);

  -- A row a batch, of old ones fewer; the newest is the journal's head. Newest: the latest received_at up to here, by which times
  -- lead to places.
  CREATE TABLE appends (
    last       bigint  PRIMARY KEY,
    rows       integer NOT NULL,
    at         bigint  NOT NULL DEFAULT now_ms(),
    newest     bigint  NOT NULL
  );
  CREATE INDEX appends_by_time ON appends (newest, last);
  INSERT INTO appends (last, rows, newest) VALUES (0, 0, 0);

  -- A row for each time that a broker has sent an entry again, which was dropped.
  CREATE TABLE redeliveries (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq         bigint NOT NULL,
    received_at bigint NOT NULL
  );
  CREATE INDEX redeliveries_by_seq ON redeliveries (seq);

  -- Which events are among ${blockSize} places.
  CREATE TABLE block_events (event text NOT NULL, block bigint NOT NULL, PRIMARY KEY (event, block));

  -- The log's history: a standby that had not everything became the primary. From first on, numbers were given anew.
  CREATE TABLE generations (
    generation integer PRIMARY KEY,
    timeline   text    NOT NULL,
    first      bigint  NOT NULL,
    at         bigint  NOT NULL DEFAULT now_ms()
  );

  -- Daemons by the name of their configuration, and by what each of their runs is called.
  CREATE TABLE hosts (number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
  CREATE TABLE daemons (
    holder        uuid   PRIMARY KEY,
    name          text   NOT NULL REFERENCES hosts (name),
    version       text   NOT NULL,
    -- A digest of its configuration's routes.
    configuration text   NOT NULL,
    started_at    bigint NOT NULL DEFAULT now_ms(),
    stopped_at    bigint,
    -- Its links to brokers, as JSON: see daemon-links.ts.
    links         text   NOT NULL DEFAULT '[]'
  );
  -- A row a renewal: the daemon lives up to the latest. Skew: how far its clock is ahead of the database's.
  CREATE TABLE beats (
    holder     uuid   NOT NULL,
    expires_at bigint NOT NULL,
    skew       bigint NOT NULL,
    PRIMARY KEY (holder, expires_at)
  );
  -- The routes of each configuration that is in use, or was lately: they hold back retention.
  CREATE TABLE registrations (
    name             text    NOT NULL REFERENCES hosts (name),
    route            text    NOT NULL,
    delivers_invalid boolean NOT NULL,
    -- Whether the daemon has asked for it, and may run it: by that, each knows its share.
    wanted           boolean NOT NULL DEFAULT false,
    PRIMARY KEY (name, route)
  );

  -- Whose a route is; it changes with a take-over only.
  CREATE TABLE routes (
    route  text   PRIMARY KEY,
    holder uuid,
    epoch  bigint NOT NULL DEFAULT 0,
    since  bigint NOT NULL DEFAULT now_ms()
  );
  -- What a route does just now, as the daemon says that has it: the newest row counts, as long as that one lives. See route-states.ts.
  CREATE TABLE route_states (
    route    text   NOT NULL,
    number   bigint GENERATED ALWAYS AS IDENTITY,
    holder   uuid   NOT NULL,
    at       bigint NOT NULL DEFAULT now_ms(),
    -- JSON; and milliseconds until the next probe.
    state    text   NOT NULL,
    probe_in bigint NOT NULL,
    PRIMARY KEY (route, number)
  );
  -- How far a route is: a row a settlement, the newest counts. Ahead: places beyond the cursor that are settled.
  CREATE TABLE progress (
    route  text     NOT NULL,
    epoch  bigint   NOT NULL,
    n      bigint   NOT NULL,
    cursor bigint   NOT NULL,
    ahead  bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (route, epoch, n)
  );

  -- What isn't settled though its route's cursor has passed it. The route '' is the journal itself: what can't be decoded
  -- is quarantined for all. Restarted: when an operator last began it anew, else 0.
  CREATE TABLE deliveries (
    route        text   NOT NULL,
    seq          bigint NOT NULL,
    number       bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    account_id   text,
    -- Of its entry; '' where that has none.
    event        text   NOT NULL DEFAULT '',
    state        text   NOT NULL CHECK (state IN ('waiting', 'quarantined', 'dead', 'undecodable')),
    reason       text   NOT NULL,
    attempts     text   NOT NULL DEFAULT '[]',
    restarted_at bigint NOT NULL DEFAULT 0,
    due_at       bigint,
    updated_at   bigint NOT NULL,
    PRIMARY KEY (route, seq)
  );
  CREATE INDEX deliveries_due ON deliveries (route, due_at, seq) WHERE state = 'waiting';
  CREATE INDEX deliveries_by_account ON deliveries (route, account_id, seq) WHERE state = 'waiting';
  CREATE INDEX deliveries_by_seq ON deliveries (seq);
  CREATE INDEX deliveries_by_age ON deliveries (updated_at) WHERE state <> 'waiting';
  CREATE INDEX deliveries_by_group ON deliveries (route, state, reason, event, number);

  -- How many records there are by their groups: a row a change, until one daemon adds it to the sums. At: the record's updated_at; by it, first and last of a group are told, and what no operator has looked at.
  CREATE TABLE delivery_changes (
    number bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    route  text    NOT NULL,
    state  text    NOT NULL,
    reason text    NOT NULL,
    event  text    NOT NULL,
    change integer NOT NULL,
    at     bigint  NOT NULL
  );
  CREATE TABLE delivery_groups (
    route text NOT NULL, state text NOT NULL, reason text NOT NULL, event text NOT NULL,
    count bigint NOT NULL, first bigint NOT NULL, last bigint NOT NULL,
    PRIMARY KEY (route, state, reason, event)
  );
  CREATE TABLE delivery_totals (
    route text NOT NULL, state text NOT NULL, count bigint NOT NULL, unseen bigint NOT NULL, PRIMARY KEY (route, state)
  );
  CREATE FUNCTION event_at(a_seq bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT event FROM entries WHERE seq = a_seq), '') $$;
  CREATE FUNCTION note_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP <> 'INSERT' THEN
      INSERT INTO delivery_changes (route, state, reason, event, change, at)
        VALUES (OLD.route, OLD.state, OLD.reason, OLD.event, -1, OLD.updated_at);
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO delivery_changes (route, state, reason, event, change, at)
        VALUES (NEW.route, NEW.state, NEW.reason, NEW.event, 1, NEW.updated_at);
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER delivery_noted AFTER INSERT OR DELETE ON deliveries FOR EACH ROW EXECUTE FUNCTION note_delivery();
  -- What waits for another time than before stays where it is.
  CREATE TRIGGER delivery_changed AFTER UPDATE ON deliveries FOR EACH ROW
    WHEN ((OLD.route, OLD.state, OLD.reason, OLD.event) IS DISTINCT FROM (NEW.route, NEW.state, NEW.reason, NEW.event)
      OR (NEW.state <> 'waiting' AND OLD.updated_at <> NEW.updated_at)) EXECUTE FUNCTION note_delivery();


  -- What an operator has dropped before its route's cursor had passed it.
  CREATE TABLE dropped (route text NOT NULL, seq bigint NOT NULL, PRIMARY KEY (route, seq));

  -- What became of deliveries: a row is about all places from the first to the last but those in its gaps (from, to, from,
  -- to, … behind the first), or, without gaps, about one.
  CREATE TABLE delivery_log (
    number   bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first    bigint  NOT NULL,
    last     bigint  NOT NULL,
    at       bigint  NOT NULL DEFAULT now_ms(),
    attempts integer NOT NULL,
    route    text    NOT NULL,
    outcome  text    NOT NULL CHECK (outcome IN ('delivered', 'dropped', 'expired')),
    code     jsonb,
    by       text,
    gaps     bigint[]
  );
  CREATE INDEX delivery_log_of_one ON delivery_log (route, last) WHERE gaps IS NULL;
  CREATE INDEX delivery_log_of_several ON delivery_log (route, last) WHERE gaps IS NOT NULL;

  -- How many deliveries of each route and event came to which end, in spans of so many milliseconds.
  CREATE TABLE delivery_counts (
    span        bigint NOT NULL,
    start       bigint NOT NULL,
    route       text   NOT NULL,
    event       text   NOT NULL,
    delivered   bigint NOT NULL,
    dead        bigint NOT NULL,
    quarantined bigint NOT NULL,
    last        bigint,
    PRIMARY KEY (span, start, route, event)
  );

  -- What each route selects, from behind a place on.
  CREATE TABLE selections (
    route     text   NOT NULL,
    after     bigint NOT NULL,
    at        bigint NOT NULL DEFAULT now_ms(),
    selection text,
    PRIMARY KEY (route, after)
  );

  -- When a daemon took nothing from a broker; or nobody took anything, where it names none.
  CREATE TABLE outages (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text   NOT NULL,
    since  bigint NOT NULL,
    until  bigint,
    zone   text   NOT NULL,
    broker text   NOT NULL,
    reason text   NOT NULL,
    code   jsonb
  );

  CREATE TABLE paused (route text PRIMARY KEY, at bigint NOT NULL DEFAULT now_ms(), who text NOT NULL);
  CREATE TABLE looks (route text PRIMARY KEY, at bigint NOT NULL);

  -- What is in the sums, with the changes that aren't yet.
  CREATE VIEW totals AS
    SELECT route, state, sum(count)::bigint AS count, sum(unseen)::bigint AS unseen FROM (
      SELECT route, state, count, unseen FROM delivery_totals
      UNION ALL
      SELECT c.route, c.state, c.change, CASE WHEN c.state <> 'waiting' AND c.at > coalesce(l.at, 0) THEN c.change ELSE 0 END
      FROM delivery_changes c LEFT JOIN looks l USING (route)) known
    GROUP BY route, state HAVING sum(count) > 0;

  -- Adds changes to the sums, so many at a time, by one daemon at a time. Gives how many there were.
  CREATE FUNCTION sum_changes(a_most integer) RETURNS bigint LANGUAGE sql AS $$
    WITH taken AS (
      DELETE FROM delivery_changes WHERE number IN (SELECT number FROM delivery_changes ORDER BY number LIMIT a_most) RETURNING *),
    totals AS (
      INSERT INTO delivery_totals
        SELECT t.route, t.state, sum(t.change), coalesce(sum(t.change) FILTER (WHERE t.state <> 'waiting' AND t.at > coalesce(l.at, 0)), 0)
        FROM taken t LEFT JOIN looks l USING (route) GROUP BY t.route, t.state
        ON CONFLICT (route, state) DO UPDATE SET count = delivery_totals.count + excluded.count,
          unseen = delivery_totals.unseen + excluded.unseen),
    groups AS (
      INSERT INTO delivery_groups
        SELECT route, state, reason, event, sum(change), min(at), max(at) FROM taken GROUP BY route, state, reason, event
        ON CONFLICT (route, state, reason, event) DO UPDATE SET count = delivery_groups.count + excluded.count,
          first = least(delivery_groups.first, excluded.first), last = greatest(delivery_groups.last, excluded.last))
    SELECT count(*) FROM taken $$;

  -- Who may see the page: links that are good once, and sessions, by digests of their secrets. See logins.ts.
  CREATE TABLE logins (
    kind   text   NOT NULL CHECK (kind IN ('link', 'session')),
    key    text   NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    name   text   NOT NULL,
    role   text   NOT NULL,
    mark   text,
    until  bigint NOT NULL,
    PRIMARY KEY (kind, key)
  );
  -- When the last try of a password is, or was, on whichever daemon, and how many have failed since one was right.
  CREATE TABLE login_turns (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    failures bigint  NOT NULL,
    at       bigint  NOT NULL
  );

  -- What operators have done, numbered in the order of visibility: see announce. The count grows with each step of an act.
  CREATE TABLE audit (
    number    bigint PRIMARY KEY,
    at        bigint NOT NULL DEFAULT now_ms(),
    who       text   NOT NULL,
    origin    text   NOT NULL,
    act       text   NOT NULL,
    selection text   NOT NULL,
    count     bigint NOT NULL,
    -- How far it is, as JSON; null where nobody is told.
    progress  text
  );
  CREATE INDEX audit_by_age ON audit (at);

  -- What of notifications fits no schema: as it was found, until one daemon adds it to the sums by kind.
  CREATE TABLE drift_found (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event text NOT NULL, path text NOT NULL, keyword text NOT NULL, known boolean NOT NULL,
    count bigint NOT NULL, first bigint NOT NULL, last bigint NOT NULL, example uuid NOT NULL
  );
  CREATE TABLE drift (
    event text NOT NULL, path text NOT NULL, keyword text NOT NULL, known boolean NOT NULL,
    count bigint NOT NULL, first bigint NOT NULL, last bigint NOT NULL, example uuid NOT NULL,
    PRIMARY KEY (event, path, keyword)
  );

  -- What is known of the journal as a whole: counts, and times in Unix milliseconds.
  CREATE TABLE facts (name text PRIMARY KEY, value bigint NOT NULL);

  -- What daemons are to look at: an operator's change, or a wish ('probe') about a route, or all where it names none.
  CREATE TABLE signals (
    number bigint PRIMARY KEY,
    at     bigint NOT NULL DEFAULT now_ms(),
    kind   text   NOT NULL CHECK (kind IN ('changed', 'probe')),
    route  text
  );
  INSERT INTO signals (number, kind) VALUES (0, 'changed');

  -- Locks of this journal, by what they are for; numbers of a table are this journal's alone in its database.
  CREATE FUNCTION lock_for(what text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock('appends'::regclass::oid::int, CASE what WHEN 'append' THEN 1 WHEN 'announce' THEN 2 WHEN 'tidy' THEN 3 END) $$;
  CREATE FUNCTION try_lock_for(what text) RETURNS boolean LANGUAGE sql AS $$
    SELECT pg_try_advisory_xact_lock('appends'::regclass::oid::int, CASE what WHEN 'append' THEN 1 WHEN 'announce' THEN 2 WHEN 'tidy' THEN 3 END) $$;

  -- Remembers what of a batch came once more.
  CREATE FUNCTION count_again(a_ids uuid[], a_received bigint[], a_dups integer[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO redeliveries (seq, received_at) SELECT i.seq, a_received[n] FROM unnest(a_dups) n,
      LATERAL (SELECT i.seq FROM ids i WHERE i.id = a_ids[n] OFFSET 0) i $$;

  -- Appends a batch in one order, which is also that of visibility, without gaps. Gives the place before its first one; which
  -- of the batch (from 1) the journal had already; and which repeat another one, with that one's id.
  CREATE FUNCTION append(
    a_origin integer, a_ids uuid[], a_received bigint[], a_occurred bigint[], a_events text[], a_accounts text[],
    a_occurrences uuid[], a_ranks smallint[], a_reasons text[], a_heads text[], a_datas text[], a_raws bytea[], a_drift jsonb,
    OUT base bigint, OUT dups integer[], OUT resends integer[], OUT originals uuid[]
  ) LANGUAGE plpgsql AS $$
  DECLARE
    total integer := cardinality(a_ids);
    seqs bigint[];
    inserted integer;
    newest_before bigint;
  BEGIN
    PERFORM lock_for('append');
    SELECT last, newest INTO base, newest_before FROM appends ORDER BY last DESC LIMIT 1;
    -- Nearly all that comes is new: to insert it as if all were costs two thirds of looking for each first.
    BEGIN
      INSERT INTO ids SELECT id, base + n FROM unnest(a_ids) WITH ORDINALITY u(id, n);
      inserted := total;
    EXCEPTION WHEN unique_violation THEN
      INSERT INTO ids SELECT id, base + n FROM unnest(a_ids) WITH ORDINALITY u(id, n) ON CONFLICT (id) DO NOTHING;
      GET DIAGNOSTICS inserted = ROW_COUNT;
    END;
    dups := '{}';
    resends := '{}';
    originals := '{}';
    IF inserted = total THEN
      seqs := ARRAY(SELECT base + n FROM generate_series(1, total) n);
    ELSE
      SELECT array_agg(u.n ORDER BY u.n) INTO dups FROM unnest(a_ids) WITH ORDINALITY u(id, n),
        LATERAL (SELECT i.seq FROM ids i WHERE i.id = u.id OFFSET 0) i WHERE i.seq <> base + u.n;
      IF inserted = 0 THEN
        PERFORM count_again(a_ids, a_received, dups);
        -- A standby may not have them yet: the commit waits for it, as that of whoever appended them.
        PERFORM pg_logical_emit_message(true, 'kazoo-relay', '');
        RETURN;
      END IF;
      -- Numbered anew, so that there are no gaps.
      DELETE FROM ids i USING unnest(a_ids) WITH ORDINALITY u(id, n) WHERE i.id = u.id AND i.seq = base + u.n;
      SELECT array_agg(CASE WHEN u.n = ANY (dups) THEN NULL ELSE base + u.n - (SELECT count(*) FROM unnest(dups) d WHERE d < u.n) END ORDER BY u.n)
        INTO seqs FROM generate_series(1, total) u(n);
      INSERT INTO ids SELECT id, seq FROM unnest(a_ids, seqs) u(id, seq) WHERE seq IS NOT NULL;
      PERFORM count_again(a_ids, a_received, dups);
    END IF;

    BEGIN
      INSERT INTO occurrences SELECT occurrence, id, seq FROM unnest(a_occurrences, a_ids, seqs) u(occurrence, id, seq)
        WHERE occurrence IS NOT NULL AND seq IS NOT NULL;
    EXCEPTION WHEN unique_violation THEN
      INSERT INTO occurrences SELECT occurrence, id, seq FROM unnest(a_occurrences, a_ids, seqs) u(occurrence, id, seq)
        WHERE occurrence IS NOT NULL AND seq IS NOT NULL ON CONFLICT (occurrence) DO NOTHING;
      SELECT coalesce(array_agg(u.n ORDER BY u.n), '{}'), coalesce(array_agg(o.id ORDER BY u.n), '{}') INTO resends, originals
      FROM unnest(a_occurrences, a_ids, seqs) WITH ORDINALITY u(occurrence, id, seq, n),
        LATERAL (SELECT o.id FROM occurrences o WHERE o.occurrence = u.occurrence OFFSET 0) o
      WHERE u.seq IS NOT NULL AND o.id <> u.id;
    END;

    INSERT INTO log (seq, id, received_at, occurred_at, origin, event, account_id, head, data)
      SELECT seq, id, received_at, occurred_at, a_origin, event, account_id, head, data
      FROM unnest(seqs, a_ids, a_received, a_occurred, a_events, a_accounts, a_ranks, a_heads, a_datas)
        u(seq, id, received_at, occurred_at, event, account_id, rank, head, data)
      WHERE seq IS NOT NULL AND rank IS NULL;
    IF cardinality(array_remove(a_ranks, NULL)) > 0 THEN
      INSERT INTO kept (seq, id, received_at, occurred_at, origin, event, account_id, rank, head, data, raw, bytes)
        SELECT seq, id, received_at, occurred_at, a_origin, event, account_id, rank, head, data, raw,
          octet_length(data) + octet_length(head) + coalesce(octet_length(raw), 0) + 256
        FROM unnest(seqs, a_ids, a_received, a_occurred, a_events, a_accounts, a_ranks, a_heads, a_datas, a_raws)
          u(seq, id, received_at, occurred_at, event, account_id, rank, head, data, raw)
        WHERE seq IS NOT NULL AND rank IS NOT NULL;
      INSERT INTO deliveries (route, seq, state, reason, updated_at)
        SELECT '', seq, 'undecodable', reason, now_ms()
        FROM unnest(seqs, a_ranks, a_reasons) u(seq, rank, reason) WHERE seq IS NOT NULL AND rank = 0;
    END IF;
    FOR n IN 1..cardinality(resends) LOOP
      UPDATE log SET resend_of = originals[n] WHERE seq = seqs[resends[n]];
      UPDATE kept SET resend_of = originals[n] WHERE seq = seqs[resends[n]];
    END LOOP;

    INSERT INTO block_events (event, block)
      SELECT DISTINCT event, seq / ${blockSize} FROM unnest(seqs, a_events) u(seq, event) WHERE seq IS NOT NULL AND event IS NOT NULL
      ON CONFLICT DO NOTHING;
    IF a_drift IS NOT NULL THEN
      INSERT INTO drift_found (event, path, keyword, known, count, first, last, example)
        SELECT d.event, d.path, d.keyword, d.known, count(*), min(a_received[d.n]), max(a_received[d.n]),
          (array_agg(a_ids[d.n] ORDER BY d.n DESC))[1]
        FROM jsonb_to_recordset(a_drift) d(n integer, event text, path text, keyword text, known boolean)
        WHERE seqs[d.n] IS NOT NULL GROUP BY d.event, d.path, d.keyword, d.known;
    END IF;
    INSERT INTO appends (last, rows, newest) SELECT max(seq), count(seq),
        -- A clock gone mad doesn't spoil the way from times to places for all that comes.
        greatest(newest_before, least(max(received_at), now_ms() + 86400000))
      FROM unnest(seqs, a_received) u(seq, received_at) WHERE seq IS NOT NULL;
  END $$;

  -- Whether a daemon's lease holds.
  CREATE FUNCTION is_alive(a_holder uuid) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT coalesce((SELECT expires_at > now_ms() FROM beats WHERE holder = a_holder ORDER BY expires_at DESC LIMIT 1), false) $$;

  -- Renews a daemon's lease, and gives the routes that are its own, how many daemons live, and the database's time; and for each
  -- route how many of those want it.
  CREATE FUNCTION beat(a_holder uuid, a_ttl bigint, a_skew bigint)
    RETURNS TABLE (routes text[], epochs bigint[], living integer, now bigint, wanted jsonb) LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  BEGIN
    -- So that no claim comes between: it waits, and then finds the renewed lease.
    PERFORM FROM routes r WHERE r.holder = a_holder FOR SHARE;
    INSERT INTO beats (holder, expires_at, skew) VALUES (a_holder, now_ms() + a_ttl, a_skew) ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT
      (SELECT coalesce(array_agg(r.route ORDER BY r.route), '{}') FROM routes r WHERE r.holder = a_holder),
      (SELECT coalesce(array_agg(r.epoch ORDER BY r.route), '{}') FROM routes r WHERE r.holder = a_holder),
      (SELECT count(*)::integer FROM daemons d WHERE d.stopped_at IS NULL AND is_alive(d.holder)),
      now_ms(),
      (SELECT coalesce(jsonb_object_agg(w.route, w.daemons), '{}') FROM (
        SELECT r.route, count(DISTINCT r.name) AS daemons FROM daemons d JOIN registrations r ON r.name = d.name
        WHERE d.stopped_at IS NULL AND is_alive(d.holder) AND r.wanted GROUP BY r.route) w);
  END $$;

  -- Takes routes that are nobody's, or a dead daemon's: as many of these as are wanted. What whoever had one before has settled
  -- beyond its cursor is logged now: no cursor tells of it where it has ended without a word.
  CREATE FUNCTION claim(a_holder uuid, a_routes text[], a_most integer)
    RETURNS TABLE (route text, epoch bigint, cursor bigint, ahead bigint[], head bigint) LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    r record;
    taken integer := 0;
  BEGIN
    IF NOT is_alive(a_holder) THEN RETURN; END IF;
    FOR r IN SELECT s.route FROM routes s WHERE s.route = ANY (a_routes) AND (s.holder IS NULL OR NOT is_alive(s.holder)) ORDER BY s.route LOOP
      EXIT WHEN taken >= a_most;
      -- Looked at anew with the row locked: the lease may have been renewed, or the route be somebody else's by now.
      PERFORM FROM routes s WHERE s.route = r.route FOR UPDATE SKIP LOCKED;
      CONTINUE WHEN NOT FOUND;
      UPDATE routes u SET holder = a_holder, epoch = u.epoch + 1, since = now_ms()
        WHERE u.route = r.route AND (u.holder IS NULL OR NOT is_alive(u.holder)) RETURNING u.route, u.epoch INTO route, epoch;
      CONTINUE WHEN NOT FOUND;
      taken := taken + 1;
      SELECT p.cursor, p.ahead INTO cursor, ahead FROM progress p WHERE p.route = r.route ORDER BY p.epoch DESC, p.n DESC LIMIT 1;
      SELECT a.last INTO head FROM appends a ORDER BY a.last DESC LIMIT 1;
      INSERT INTO delivery_log (first, last, attempts, route, outcome)
        SELECT s, s, 1, r.route, 'delivered' FROM unnest(ahead) s WHERE s > cursor
          AND NOT EXISTS (SELECT FROM delivery_log l WHERE l.route = r.route AND (l.gaps IS NULL) AND l.last = s);
      RETURN NEXT;
    END LOOP;
  END $$;

  -- Lets go of a route.
  CREATE FUNCTION release(a_holder uuid, a_route text, a_epoch bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE routes SET holder = NULL, since = now_ms() WHERE route = a_route AND holder = a_holder AND epoch = a_epoch $$;

  -- A daemon ends: whoever looks takes its routes.
  CREATE FUNCTION leave(a_holder uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE routes SET holder = NULL, since = now_ms() WHERE holder = a_holder;
    UPDATE daemons SET stopped_at = now_ms() WHERE holder = a_holder;
  $$;

  -- Gives a route that has none a place: by a time or at an end. Returns true where it was new.
  CREATE FUNCTION place(a_route text, a_start text) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    head bigint;
    place bigint;
  BEGIN
    PERFORM FROM routes WHERE route = a_route;
    IF FOUND THEN RETURN false; END IF;
    -- What is appended from now on can't be missed, and nothing before is skipped unseen.
    PERFORM lock_for('append');
    SELECT last INTO head FROM appends ORDER BY last DESC LIMIT 1;
    place := CASE a_start WHEN 'now' THEN head WHEN 'earliest' THEN 0 ELSE coalesce(
      (SELECT last FROM appends WHERE newest < a_start::bigint ORDER BY newest DESC, last DESC LIMIT 1), 0) END;
    IF a_start NOT IN ('now', 'earliest') THEN
      place := coalesce((SELECT seq - 1 FROM entries WHERE seq > place AND received_at >= a_start::bigint ORDER BY seq LIMIT 1), head);
    END IF;
    INSERT INTO routes (route) VALUES (a_route) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO progress (route, epoch, n, cursor) VALUES (a_route, 0, 0, place);
    RETURN true;
  END $$;

  -- Saves the progress of a daemon's routes: an array of {route, epoch, n, cursor, ahead, records, settled, log}. Gives the
  -- routes that aren't its own any more: of these nothing is saved. What was saved with this n already is as it was: a daemon
  -- that has had no answer says it again.
  CREATE FUNCTION settle(a_holder uuid, a_settlements jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
  DECLARE
    s record;
    d record;
    lost text[] := '{}';
  BEGIN
    FOR s IN SELECT * FROM jsonb_to_recordset(a_settlements)
        x(route text, epoch bigint, n bigint, cursor bigint, ahead bigint[], records jsonb, settled jsonb, log jsonb) ORDER BY route LOOP
      -- Waits for a take-over that is under way, and then finds nothing.
      PERFORM FROM routes WHERE route = s.route AND holder = a_holder AND epoch = s.epoch FOR SHARE;
      IF NOT FOUND THEN
        lost := lost || s.route;
        CONTINUE;
      END IF;
      -- It comes again where nobody knew whether it was saved: late, where that is known by now, and its row is thinned out.
      CONTINUE WHEN EXISTS (SELECT FROM progress WHERE route = s.route AND epoch = s.epoch AND n > s.n);
      INSERT INTO progress (route, epoch, n, cursor, ahead) VALUES (s.route, s.epoch, s.n, s.cursor, coalesce(s.ahead, '{}'))
        ON CONFLICT DO NOTHING;
      CONTINUE WHEN NOT FOUND;
      -- One by one, with the whole key: for a list, the plan would go through all that is dead on the route.
      FOR d IN SELECT * FROM jsonb_to_recordset(s.records) x(seq bigint, account text, state text, reason text, attempts text,
          restarted bigint, due bigint, is_known boolean) ORDER BY seq LOOP
        IF d.is_known THEN
          UPDATE deliveries SET state = d.state, reason = d.reason, attempts = d.attempts, due_at = d.due, updated_at = now_ms()
            WHERE route = s.route AND seq = d.seq AND restarted_at = d.restarted;
        ELSE
          -- What was evicted since it was read is recorded no more, and what is recorded isn't evicted meanwhile.
          INSERT INTO deliveries (route, seq, account_id, event, state, reason, attempts, restarted_at, due_at, updated_at)
            SELECT s.route, d.seq, d.account, event_at(d.seq), d.state, d.reason, d.attempts, d.restarted, d.due, now_ms()
            WHERE EXISTS (SELECT FROM log WHERE seq = d.seq) OR EXISTS (SELECT FROM kept WHERE seq = d.seq FOR KEY SHARE)
            ON CONFLICT (route, seq) DO UPDATE SET state = excluded.state, reason = excluded.reason, attempts = excluded.attempts,
              restarted_at = excluded.restarted_at, due_at = excluded.due_at, updated_at = excluded.updated_at;
        END IF;
      END LOOP;
      FOR d IN SELECT * FROM jsonb_to_recordset(s.settled) x(seq bigint, restarted bigint, code jsonb, attempts integer) ORDER BY seq LOOP
        DELETE FROM deliveries WHERE route = s.route AND seq = d.seq AND restarted_at = d.restarted;
        INSERT INTO delivery_log (first, last, attempts, route, outcome, code)
          VALUES (d.seq, d.seq, d.attempts, s.route, 'delivered', d.code);
      END LOOP;
      INSERT INTO delivery_log (first, last, attempts, route, outcome, code, gaps)
        SELECT first, last, 1, s.route, 'delivered', code, gaps
        FROM jsonb_to_recordset(s.log) x(first bigint, last bigint, code jsonb, gaps bigint[]);
    END LOOP;
    RETURN lost;
  END $$;

  ${tidyingFunctions}

  -- Tells the daemons of a change by an operator, or of a wish. Its number is given in the order of visibility.
  CREATE FUNCTION announce(a_kind text, a_route text) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM lock_for('announce');
    INSERT INTO signals (number, kind, route) SELECT max(number) + 1, a_kind, a_route FROM signals;
  END $$;

  ${operatorFunctions}

  ${outageFunctions}
  `,
];
