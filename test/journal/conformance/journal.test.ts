import { describe } from '@jest/globals';
import { sharePostgres } from '../../support/postgresql.ts';
import { postgres, sqlite } from './stores.ts';
import { conformance } from './suite.ts';

describe('a journal in SQLite', () => conformance(sqlite));

describe('a journal in PostgreSQL', () => conformance(() => postgres(sharePostgres)));
