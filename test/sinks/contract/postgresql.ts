import type { ContractedSink } from './contract.ts';
import { onServer, type ServerWords } from './database.ts';

export const postgresql: ContractedSink = {
  ...onServer,
  name: 'database: PostgreSQL',
  // A text column takes no NUL.
  cases: { ...onServer.cases, 'hostile texts': 'dead' },
};

export const postgresqlWords: ServerWords = {
  user: (name, password) => `CREATE ROLE ${name} LOGIN PASSWORD '${password}'; GRANT ALL ON SCHEMA public TO ${name}`,
  expire: (name, password) =>
    `ALTER ROLE ${name} PASSWORD '${password}'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`,
  trigger: (table, event) => `
    CREATE FUNCTION refuse_${table}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'we want none of these'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON ${table} FOR EACH ROW WHEN (NEW.event = '${event}')
      EXECUTE FUNCTION refuse_${table}()`,
};
