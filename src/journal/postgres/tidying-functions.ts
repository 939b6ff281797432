import { blockSize } from './blocks.ts';

/** Whoever waits for a lock on a table keeps all others from it that come later, so it is for a moment only. */
const patiently = "PERFORM set_config('lock_timeout', '100ms', true)";

/** Somebody uses the table for longer, or an append was in the way. */
const inUse = 'lock_not_available OR deadlock_detected';

/**
 * What changes tables while daemons append to them: each in one call, in which no other daemon tidies, so that a daemon which
 * is stopped in the middle of its work holds no lock. They give null where something is in use: that is tried again.
 */
export const tidyingFunctions = `
  -- The partitions of the log, from a place on up to before another.
  CREATE VIEW ranges AS
    SELECT c.relname::text AS name, b.bound[1]::bigint AS first, b.bound[2]::bigint AS ending
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
      LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM [(]''?([0-9]+)''?[)] TO [(]''?([0-9]+)''?[)]$') b(bound)
    WHERE i.inhparent = 'log'::regclass AND b.bound IS NOT NULL;

  -- The partitions of days, with the least key of each and of the day after.
  CREATE VIEW days AS
    SELECT i.inhparent::regclass::text AS of, c.relname::text AS name, b.bound[1]::uuid AS first, b.bound[2]::uuid AS ending
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
      LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM [(]''([0-9a-f-]+)''[)] TO [(]''([0-9a-f-]+)''[)]$') b(bound)
    WHERE i.inhparent IN ('ids'::regclass, 'occurrences'::regclass) AND c.relname ~ '_[0-9]{8,}$' AND b.bound IS NOT NULL;

  -- CREATE … PARTITION OF would wait for appends that are under way.
  CREATE FUNCTION make_range(a_first bigint, a_ending bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE log INCLUDING ALL)', 'log_' || a_first);
    EXECUTE format('ALTER TABLE log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', 'log_' || a_first, a_first, a_ending);
  END $$;

  -- Makes the next range of the log, where the last one still ends there.
  CREATE FUNCTION add_range(a_first bigint, a_ending bigint) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    ${patiently};
    PERFORM lock_for('tidy');
    IF a_first = coalesce((SELECT max(ending) FROM ranges), 0) THEN PERFORM make_range(a_first, a_ending); END IF;
    RETURN true;
  EXCEPTION WHEN ${inUse} THEN RETURN NULL;
  END $$;

  -- Ends a range at the next block, and makes those behind it anew, so many and of so many places.
  CREATE FUNCTION end_range(a_name text, a_count integer, a_size bigint) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    range ranges;
    other ranges;
    place bigint;
  BEGIN
    ${patiently};
    PERFORM lock_for('tidy');
    PERFORM lock_for('append');
    LOCK TABLE log IN ACCESS EXCLUSIVE MODE;
    SELECT * INTO range FROM ranges WHERE name = a_name;
    SELECT (last / ${blockSize} + 1) * ${blockSize} INTO place FROM appends ORDER BY last DESC LIMIT 1;
    IF range.name IS NULL OR place <= range.first OR place >= range.ending THEN RETURN false; END IF;
    FOR other IN SELECT * FROM ranges WHERE first >= range.ending LOOP EXECUTE format('DROP TABLE %I', other.name); END LOOP;
    EXECUTE format('ALTER TABLE log DETACH PARTITION %I', range.name);
    EXECUTE format('ALTER TABLE log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', range.name, range.first, place);
    FOR n IN 0..a_count - 1 LOOP PERFORM make_range(place + n * a_size, place + (n + 1) * a_size); END LOOP;
    RETURN true;
  EXCEPTION WHEN ${inUse} THEN RETURN NULL;
  END $$;

  -- Whether a record keeps its entry from being removed: not where it waits for a route that is in no configuration.
  CREATE FUNCTION is_listed(d deliveries) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT d.state <> 'waiting' OR EXISTS (SELECT FROM registrations g WHERE g.route = d.route) $$;

  -- Drops a range of the log, unless some entry in it has been listed.
  CREATE FUNCTION drop_range(a_name text) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    range ranges;
    is_held boolean;
  BEGIN
    ${patiently};
    PERFORM lock_for('tidy');
    LOCK TABLE log IN ACCESS EXCLUSIVE MODE;
    -- From now on nothing in it can be listed, because whoever does that looks for the entry.
    SELECT * INTO range FROM ranges WHERE name = a_name;
    IF NOT FOUND THEN RETURN false; END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM deliveries d JOIN %I l USING (seq) WHERE seq >= $1 AND seq < $2)', a_name)
      INTO is_held USING range.first, range.ending;
    IF is_held THEN RETURN false; END IF;
    EXECUTE format('DROP TABLE %I', a_name);
    RETURN true;
  EXCEPTION WHEN ${inUse} THEN RETURN NULL;
  END $$;

  -- Makes a day's partition. What the default one has of it is moved, up to so many rows: whoever appends there waits.
  CREATE FUNCTION add_day(a_of text, a_name text, a_key text, a_first uuid, a_ending uuid, a_most bigint) RETURNS boolean
    LANGUAGE plpgsql AS $$
  DECLARE
    many bigint;
    of_day text := format('FROM %I WHERE %I >= %L AND %I < %L', a_of || '_default', a_key, a_first, a_key, a_ending);
  BEGIN
    ${patiently};
    PERFORM lock_for('tidy');
    IF EXISTS (SELECT FROM days WHERE of = a_of AND first = a_first) THEN RETURN true; END IF;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', a_of || '_default');
    EXECUTE format('SELECT count(*) FROM (SELECT %s LIMIT %s) AS page', of_day, a_most + 1) INTO many;
    IF many > a_most THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', a_name, a_of);
    EXECUTE format('WITH moved AS (DELETE %s RETURNING *) INSERT INTO %I SELECT * FROM moved', of_day, a_name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', a_of, a_name, a_first, a_ending);
    RETURN true;
  EXCEPTION WHEN ${inUse} THEN RETURN NULL;
  END $$;

  -- Drops a day's partition, from which up to so many rows are moved to the default one: those of entries that are kept, or that
  -- the log has from a place on.
  CREATE FUNCTION drop_day(a_of text, a_name text, a_place bigint, a_most bigint) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    kept_rows text[];
  BEGIN
    ${patiently};
    PERFORM lock_for('tidy');
    IF NOT EXISTS (SELECT FROM days WHERE of = a_of AND name = a_name) THEN RETURN false; END IF;
    -- A redelivery of that day waits, which is hardly ever; all others don't.
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', a_name);
    EXECUTE format('SELECT array_agg(d::text) FROM (
        SELECT * FROM %I d WHERE d.seq >= $1 OR EXISTS (SELECT FROM kept k WHERE k.seq = d.seq) LIMIT $2) d', a_name)
      INTO kept_rows USING a_place, a_most + 1;
    IF cardinality(kept_rows) > a_most THEN RETURN false; END IF;
    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', a_of, a_name);
    EXECUTE format('INSERT INTO %I SELECT (r::%I).* FROM unnest($1) r', a_of || '_default', a_of) USING kept_rows;
    EXECUTE format('DROP TABLE %I', a_name);
    RETURN true;
  EXCEPTION WHEN ${inUse} THEN RETURN NULL;
  END $$;

  -- When a daemon's run was last heard of.
  CREATE FUNCTION last_sign_of(d daemons) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT greatest(d.started_at, d.stopped_at, (SELECT b.expires_at FROM beats b WHERE b.holder = d.holder ORDER BY b.expires_at DESC LIMIT 1)) $$;
`;
