/** What an operator does: what is changed by whole keys, one by one, in one order. Most give how many they have changed. */
export const operatorFunctions = `
  -- Tries begin anew; those that were stay to be read. Never at the time at which they did before: by it, records are told apart.
  CREATE FUNCTION retry_records(a_routes text[], a_seqs bigint[], a_states text[], a_reason text) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    r record;
    changed bigint := 0;
    begun bigint := now_ms();
  BEGIN
    FOR r IN SELECT u.route, u.seq FROM unnest(a_routes, a_seqs) u(route, seq) ORDER BY u.route, u.seq LOOP
      UPDATE deliveries SET state = 'waiting', reason = a_reason, due_at = begun, updated_at = begun,
          restarted_at = greatest(begun, restarted_at + 1),
          attempts = with_restart(attempts, greatest(begun, restarted_at + 1), a_reason)
        WHERE route = r.route AND seq = r.seq AND state = ANY (a_states);
      IF FOUND THEN changed := changed + 1; END IF;
    END LOOP;
    RETURN changed;
  END $$;

  -- A list of attempts as JSON text, with an operator's wish to begin anew behind them.
  CREATE FUNCTION with_restart(a_attempts text, a_at bigint, a_reason text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE a_attempts WHEN '[]' THEN '[' ELSE left(a_attempts, -1) || ',' END
      || '{"at":' || a_at || ',"duration":0,"outcome":"restart","reason":' || to_json(a_reason) || '}]' $$;

  -- One that waits behind another has no time of its own, and gets none.
  CREATE FUNCTION hasten_records(a_routes text[], a_seqs bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    r record;
    changed bigint := 0;
  BEGIN
    FOR r IN SELECT u.route, u.seq FROM unnest(a_routes, a_seqs) u(route, seq) ORDER BY u.route, u.seq LOOP
      UPDATE deliveries SET due_at = least(due_at, now_ms())
        WHERE route = r.route AND seq = r.seq AND state = 'waiting' AND due_at IS NOT NULL;
      IF FOUND THEN changed := changed + 1; END IF;
    END LOOP;
    RETURN changed;
  END $$;

  -- Drops those that are still in their state. What the cursor hasn't passed stays dropped, should the route's daemon end
  -- before it has; what it has passed needs no mark.
  CREATE FUNCTION drop_records(a_routes text[], a_seqs bigint[], a_states text[], a_tries integer[], a_who text)
    RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    r record;
    changed bigint := 0;
    passed bigint;
  BEGIN
    FOR r IN SELECT u.* FROM unnest(a_routes, a_seqs, a_states, a_tries) u(route, seq, state, tries) ORDER BY u.route, u.seq LOOP
      DELETE FROM deliveries WHERE route = r.route AND seq = r.seq AND state = r.state;
      CONTINUE WHEN NOT FOUND;
      changed := changed + 1;
      SELECT cursor INTO passed FROM progress WHERE route = r.route ORDER BY epoch DESC, n DESC LIMIT 1;
      IF passed < r.seq THEN
        INSERT INTO dropped (route, seq) VALUES (r.route, r.seq) ON CONFLICT DO NOTHING;
        DELETE FROM dropped WHERE route = r.route AND seq <= passed;
      END IF;
      INSERT INTO delivery_log (first, last, attempts, route, outcome, by)
        VALUES (r.seq, r.seq, r.tries, r.route, 'dropped', a_who);
    END LOOP;
    RETURN changed;
  END $$;

  -- What waits already stays as it is; what retention has removed since it was read can't wait.
  CREATE FUNCTION replay_entries(a_route text, a_seqs bigint[], a_accounts text[], a_reason text) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    e record;
    changed bigint := 0;
    begun bigint := now_ms();
  BEGIN
    FOR e IN SELECT u.seq, u.account FROM unnest(a_seqs, a_accounts) u(seq, account) ORDER BY u.seq LOOP
      INSERT INTO deliveries AS d (route, seq, account_id, event, state, reason, attempts, restarted_at, due_at, updated_at)
        SELECT a_route, e.seq, e.account, event_at(e.seq), 'waiting', a_reason, with_restart('[]', begun, a_reason), begun, begun, begun
        WHERE EXISTS (SELECT FROM log WHERE seq = e.seq FOR KEY SHARE) OR EXISTS (SELECT FROM kept WHERE seq = e.seq FOR KEY SHARE)
        ON CONFLICT (route, seq) DO UPDATE SET state = 'waiting', reason = a_reason, due_at = begun, updated_at = begun,
          restarted_at = greatest(begun, d.restarted_at + 1),
          attempts = with_restart(d.attempts, greatest(begun, d.restarted_at + 1), a_reason)
        WHERE d.state <> 'waiting';
      IF FOUND THEN changed := changed + 1; END IF;
    END LOOP;
    RETURN changed;
  END $$;

  -- An operator has seen what is dead or quarantined until then, on a route or on all: what of it is new there is told anew.
  CREATE FUNCTION look(a_at bigint, a_route text) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    -- So that nobody adds changes to the sums meanwhile.
    PERFORM lock_for('tidy');
    INSERT INTO looks (route, at)
      SELECT DISTINCT t.route, a_at FROM totals t WHERE t.unseen > 0 AND t.route = coalesce(a_route, t.route)
      ON CONFLICT (route) DO UPDATE SET at = excluded.at;
    IF NOT FOUND THEN RETURN; END IF;
    UPDATE delivery_totals t SET unseen =
        (SELECT count(*) FROM deliveries d WHERE d.state <> 'waiting' AND d.updated_at > a_at AND d.route = t.route AND d.state = t.state)
        - (SELECT coalesce(sum(c.change), 0) FROM delivery_changes c WHERE c.at > a_at AND c.route = t.route AND c.state = t.state)
      WHERE t.state <> 'waiting' AND EXISTS (SELECT FROM looks l WHERE l.route = t.route AND l.at = a_at);
    PERFORM announce('changed', a_route);
  END $$;

  -- Removes a route with all that is left of it but its records and its lines of the delivery log.
  CREATE FUNCTION forget_route(a_route text) RETURNS bigint LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM lock_for('tidy');
    -- First, so that a settlement that is under way is waited for, and one that comes later finds nothing.
    DELETE FROM routes WHERE route = a_route;
    IF NOT FOUND THEN RETURN 0; END IF;
    DELETE FROM progress WHERE route = a_route;
    DELETE FROM route_states WHERE route = a_route;
    DELETE FROM registrations WHERE route = a_route;
    DELETE FROM deliveries WHERE route = a_route;
    DELETE FROM dropped WHERE route = a_route;
    DELETE FROM paused WHERE route = a_route;
    -- What was seen is known as long as there is a look.
    WHILE sum_changes(10000) = 10000 LOOP END LOOP;
    DELETE FROM delivery_groups WHERE route = a_route AND count = 0;
    DELETE FROM delivery_totals WHERE route = a_route AND count = 0;
    DELETE FROM looks WHERE route = a_route;
    DELETE FROM delivery_counts WHERE route = a_route;
    DELETE FROM selections WHERE route = a_route;
    RETURN 1;
  END $$;

  -- Removes entries and all that tells of them alone.
  CREATE FUNCTION erase_entries(a_seqs bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    s bigint;
    known text[] := ARRAY(SELECT route FROM selections UNION SELECT route FROM routes UNION SELECT '');
    name text;
    erased uuid;
    changed bigint := 0;
  BEGIN
    -- Settlements that are under way end first, and those that come find the entries gone: nothing of them is recorded anew.
    PERFORM FROM routes ORDER BY route FOR NO KEY UPDATE;
    FOREACH s IN ARRAY a_seqs LOOP
      DELETE FROM deliveries WHERE seq = s;
      DELETE FROM redeliveries WHERE seq = s;
      FOREACH name IN ARRAY known LOOP
        DELETE FROM delivery_log WHERE route = name AND last = s AND gaps IS NULL;
      END LOOP;
      DELETE FROM log WHERE seq = s RETURNING id INTO erased;
      IF NOT FOUND THEN DELETE FROM kept WHERE seq = s RETURNING id INTO erased; END IF;
      CONTINUE WHEN NOT FOUND;
      DELETE FROM ids WHERE id = erased;
      changed := changed + 1;
    END LOOP;
    RETURN changed;
  END $$;

  -- Saves what a validator has found now. What isn't valid is among what is kept.
  CREATE FUNCTION save_validation(a_seq bigint, a_state text, a_problems jsonb) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    new_head text;
    new_rank smallint;
  BEGIN
    SELECT jsonb_set(jsonb_set(head::jsonb, '{8}', to_jsonb(a_state)), '{9}', a_problems)::text INTO new_head FROM entries WHERE seq = a_seq;
    new_rank := CASE a_state WHEN 'valid' THEN NULL WHEN 'undecodable' THEN 0
      ELSE CASE WHEN (new_head::jsonb ->> 1)::boolean THEN 2 ELSE 1 END END;
    IF new_rank IS NULL THEN
      UPDATE log SET head = new_head WHERE seq = a_seq;
    ELSE
      WITH moved AS (DELETE FROM log WHERE seq = a_seq RETURNING *)
        INSERT INTO kept (seq, id, received_at, occurred_at, origin, event, account_id, resend_of, head, data, raw)
        SELECT seq, id, received_at, occurred_at, origin, event, account_id, resend_of, head, data, raw FROM moved;
    END IF;
    UPDATE kept SET head = new_head, rank = new_rank,
        bytes = octet_length(data) + octet_length(new_head) + coalesce(octet_length(raw), 0) + 256
      WHERE seq = a_seq;
  END $$;

  -- Adds to an act's row in the audit, or makes it where it has no number yet, and tells the daemons of it.
  CREATE FUNCTION note_act(
    a_number bigint, a_who text, a_origin text, a_act text, a_selection text, a_count bigint, a_route text,
    a_progress text DEFAULT NULL
  ) RETURNS bigint LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM announce('changed', a_route);
    IF a_number IS NULL THEN
      INSERT INTO audit (number, who, origin, act, selection, count, progress)
        SELECT coalesce(max(number), 0) + 1, a_who, a_origin, a_act, a_selection, a_count, a_progress FROM audit RETURNING number INTO a_number;
    ELSE
      UPDATE audit SET count = count + a_count, progress = coalesce(a_progress, progress) WHERE number = a_number;
    END IF;
    RETURN a_number;
  END $$;
`;
