import pino from 'pino';
import { postgresServers } from '../../common/net/postgres-url.ts';
import type { SharedLocation } from '../location.ts';
import type { OperatorStore } from '../operator-store.ts';
import type { OpenedReader } from '../reader.ts';
import { type Database, Lane } from './connection.ts';
import { compactingBy } from './erase.ts';
import { refuseOtherVersion } from './migrate.ts';
import { openedOperatorStore } from './operator-store.ts';
import { Primary } from './primary.ts';
import { openedReader } from './reader.ts';

/** Milliseconds for what a command asks, and for what it has written anew as a whole. */
const within = 60_000;
const withinCompacting = 3_600_000;

/** For a command, beside daemons or without one. @throws JournalError */
export async function openReader(location: SharedLocation): Promise<OpenedReader> {
  return openedReader(await openBeside(location));
}

/** @throws JournalError */
export async function openOperatorStore(location: SharedLocation): Promise<OperatorStore> {
  const database = await openBeside(location);
  const patient = new Lane(primaryOf(location), { size: 1, within: withinCompacting });
  const store = openedOperatorStore(database, compactingBy(patient));
  return { ...store, close: async () => void (await Promise.all([store.close(), patient.close()])) };
}

async function openBeside(location: SharedLocation): Promise<Database> {
  const database = new Lane(primaryOf(location), { size: 2, within });
  try {
    await refuseOtherVersion(database, location.schema);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function primaryOf({ url, schema }: SharedLocation): Primary {
  // What goes wrong is told whoever asks.
  return new Primary(postgresServers(url), schema, pino({ level: 'silent' }));
}
