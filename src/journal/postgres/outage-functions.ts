/** How daemons tell of when they took nothing. */
export const outageFunctions = `
  -- A daemon was cut off from a broker: where it was so until lately, that goes on.
  CREATE FUNCTION note_outage(a_name text, a_zone text, a_broker text, a_since bigint, a_reason text, a_code jsonb, a_joined bigint)
    RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE outages SET until = NULL, reason = a_reason, code = a_code
      WHERE number = (SELECT max(number) FROM outages WHERE name = a_name AND zone = a_zone AND broker = a_broker)
        AND (until IS NULL OR until > a_since - a_joined);
    IF NOT FOUND THEN
      INSERT INTO outages (name, since, zone, broker, reason, code) VALUES (a_name, a_since, a_zone, a_broker, a_reason, a_code);
    END IF;
  END $$;

  -- The last sign of life of the daemons of a name, or of all.
  CREATE FUNCTION last_life(a_name text, a_ttl bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT max(greatest(d.stopped_at, (
      SELECT b.expires_at - a_ttl FROM beats b WHERE b.holder = d.holder ORDER BY b.expires_at DESC LIMIT 1)))
    FROM daemons d WHERE a_name IS NULL OR d.name = a_name $$;

  -- A daemon starts: what its last run was about to tell of brokers ended with it. Where no daemon has run for some time, nobody
  -- took anything meanwhile.
  CREATE FUNCTION note_start(a_name text, a_ttl bigint, a_shortest bigint, a_reason text, a_running bigint)
    RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    ended bigint;
    started bigint := now_ms() - a_running;
  BEGIN
    PERFORM lock_for('announce');
    UPDATE outages SET until = greatest(since, coalesce(last_life(a_name, a_ttl), since)) WHERE name = a_name AND until IS NULL;
    ended := last_life(NULL, a_ttl);
    IF started - ended < a_shortest OR EXISTS (SELECT FROM outages WHERE broker = '' AND since = ended) THEN RETURN; END IF;
    INSERT INTO outages (name, since, until, zone, broker, reason) SELECT a_name, ended, started, '', '', a_reason WHERE ended IS NOT NULL;
  END $$;
`;
