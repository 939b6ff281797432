/**
 * The messages of the log above the level debug, by room. docs/reference/messages.md explains each one: change the page
 * with them. Varying values are fields beside the message, such as `reason`.
 */
export const messages = {
  // The daemon: its life, its configuration, its log.
  starting: 'starting',
  stopping: 'stopping',
  stopped: 'stopped',
  configWarning: 'configuration warning',
  reloaded: 'reloaded',
  notReloaded: 'not reloaded; the daemon keeps the configuration that it has',
  reloadCutOff: 'the stop interrupted a reload; the next start applies the rest',
  needRestart: 'changed options need a restart to take effect',
  fewFiles: 'the limit on open files is too low for this configuration; raise LimitNOFILE or ulimit -n',
  levelChanged: 'log level changed',
  linesDropped: 'log lines dropped: stderr is blocked; free disk space, or see why its reader waits',
  nothingComes: 'expected notifications do not arrive',
  ownWait: "the daemon's own notifications wait until the journal is writable",

  // The HTTP port, the socket of the commands, systemd.
  portOpen: 'the HTTP port is open',
  portNotOpened: 'the HTTP port could not be opened; trying again',
  pageLink: 'open this link in a browser: it logs in to the page once, within five minutes',
  noPageLink: 'no link to the page; kazoo-relay page prints one',
  portNotLoaded: 'the HTTP port cannot answer; if the program was upgraded, restart the daemon',
  requestFailed: 'an HTTP request failed',
  socketFailed: 'kazoo-relay status cannot reach this daemon: its socket could not be created',
  libsystemdMissing: 'systemd is not notified: libsystemd could not be loaded; install it, or set Type=exec',
  systemdFailed: 'systemd could not be notified; check NotifyAccess= of the unit',
  watchdogStopped: 'watchdog not notified: the daemon is stuck; systemd restarts it if that lasts',

  // Brokers and intake.
  consuming: 'consuming',
  brokerAway: 'broker not available; trying again',
  queueConflict: 'no intake from this broker: its queue has other arguments; delete the queue or change queue.*',
  awaitingExchange: 'waiting for KAZOO to declare the exchange: this user has no permission',
  foreignExchange: 'the exchange has other properties than KAZOO gives it; delete it, so that KAZOO can declare it',
  otherConsumers: 'another program consumes from this queue; give each system a queue.name of its own',
  noOtherConsumers: 'no other program consumes from this queue any more',
  notWritable: 'journal not writable: intake paused, messages stay on the broker',
  writableAgain: 'journal writable again; intake continues',
  notProcessed: 'a message could not be processed; it is quarantined',
  notValidated: 'a notification could not be validated; it counts as invalid',

  // The journal: its files, its clock, what it removes, its rebuild.
  newJournal: 'no journal found; creating one',
  journalGone:
    'journal moved, replaced or locked by another daemon: intake paused; read the reason before you stop this daemon',
  journalBack: 'journal back in its place; intake and deliveries continue',
  lockReplaced: 'daemon.lock was removed or replaced; created and locked again',
  shareHalfFull:
    'undecodable and invalid notifications fill half of journal.invalidShare; see kazoo-relay dead list --group',
  shareFull: 'undecodable and invalid notifications fill journal.invalidShare; the oldest are removed',
  nothingRemoved: 'retention failed; nothing is removed from the journal',
  clockJumped: 'the clock has jumped; retention pauses for an hour',
  clockDoubted:
    'the clock is more than a day ahead of the last activity; retention pauses: set the clock, or run accept-clock',
  clockAccepted: 'clock accepted; retention continues',
  walGrows: 'the write-ahead log cannot be checkpointed, and grows',
  walShrinks: 'the write-ahead log is checkpointed again',
  acted: 'an operator has acted',

  // A journal that several daemons share.
  databaseAway: 'the database of the journal is unavailable; notifications go to the spool of this machine',
  databaseBack: 'the database of the journal is available again; the spool is moved into it',
  spoolMoved: 'the spool has been moved into the database of the journal',
  spoolRefused: 'the database of the journal refuses what is in the spool; trying again',
  databaseWentBack:
    'the database of the journal lacks confirmed entries; this daemon appends again what it still has of them',
  appendedAgain: 'entries that the database lacked have been appended again',
  leaseOver: 'the lease of this daemon is over; other daemons may run its routes',
  routesNotReleased: 'the routes could not be released; other daemons take them over when the lease is over',
  nothingToRebuild: 'the journal is healthy; there is nothing to rebuild',
  rebuilding: 'the journal is damaged; copying what can be read to a new one',
  recovered: 'copied from the damaged journal; losses are counted as far as they are known',
  positionsLost: 'positions of these routes are lost: they start again at the oldest notification',
  rebuilt: 'the rebuilt journal is in use; the damaged one is kept',

  // Routes and their deliveries.
  sinkAway: 'sink unavailable; its notifications wait in the journal',
  sinkBack: 'sink available again',
  programSays: 'the program of an exec sink has written to its standard error',
  programEnded: 'the program of an exec sink has ended by itself; it is started again',
  accountRefused: 'account refused; its notifications wait in the journal',
  accountServed: 'account accepted again',
  deadLetters: 'notifications became dead letters',
  sinkSilent: 'the sink has not answered within the timeout of the route',
  sinkFailed: 'the sink failed unexpectedly',
  attemptFailed: 'an attempt failed unexpectedly',
  oldSinkNotClosed: 'the old sink could not be closed',
  sinkNotClosed: 'the sink could not be closed',
  conditionFailed: 'the condition could not be evaluated; these notifications are skipped',
  paused: 'route paused by an operator; kazoo-relay resume ends the pause',
  resumed: 'route resumed by an operator',
  routeInterrupted: 'route interrupted; trying again',
  routeNotStarted: 'route not started; trying again',
  progressNotSaved: 'progress of the route not saved; its last deliveries may be repeated',

  // Sinks.
  lineRemoved: 'removed an incomplete line, left by a crash, from the end of the file',
  lineEnded: 'the file ended in an incomplete line of another program; added a line break',
  rotatedUnread: 'the end of a rotated file cannot be read; lines written just before a crash may be repeated',
  notCompressed: 'a rotated file could not be compressed; trying again',
  compressedAgain: 'rotated files are compressed again',
  notVerified: "the receiver's certificate is not verified: tls.verify is false",
  changingDatabase: 'changing the database',
  partitionMade: 'created a partition',
  partitionDropped: 'dropped an old partition',
  notMaintained: 'table maintenance failed; trying again',
} as const;
