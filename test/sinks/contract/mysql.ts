import type { ContractedSink } from './contract.ts';
import { onServer, type ServerWords } from './database.ts';

export const mysql: ContractedSink = { ...onServer, name: 'database: MySQL, MariaDB' };

export const mysqlWords: ServerWords = {
  user: (name, password) => `
    CREATE USER ${name}@'127.0.0.1' IDENTIFIED BY '${password}'; GRANT ALL ON notifications.* TO ${name}@'127.0.0.1'`,
  expire: (name, password) => `
    SET PASSWORD FOR ${name}@'127.0.0.1' = PASSWORD('${password}'); KILL USER ${name}@'127.0.0.1'`,
  trigger: (table, event) => `
    CREATE TRIGGER refuse_${table} BEFORE INSERT ON ${table} FOR EACH ROW
      IF NEW.event = '${event}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'we want none of these'; END IF`,
};
