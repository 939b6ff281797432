import pino from 'pino';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';

// Holds the journal in the folder that it is given until it is killed.
openJournal(process.argv[2] ?? '', pino({ level: 'silent' }));
console.log('held');
setInterval(() => undefined, 1_000_000);
