import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { brokerOptions, kazooConfigOptions, rootOptions, routeOptions } from '../../src/config/options.ts';
import { leavesOf } from '../../src/config/tree.ts';
import { sinkKinds } from '../../src/sinks/registry.ts';

/**
 * The test in which each option does what it says, by file and name. An option that is new needs a test of its own, and
 * a line here; this test sees to it that the one and the other are there.
 */
const tests: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'config/effects': {
    include: 'is what the daemon does, from the broker to the sink',
    'queue.name': 'is what the daemon does, from the broker to the sink',
    'queue.maxLength': 'is what the daemon does, from the broker to the sink',
    'queue.maxLengthBytes': 'is what the daemon does, from the broker to the sink',
    'queue.expires': 'is what the daemon does, from the broker to the sink',
    'intake.prefetch': 'is what the daemon does, from the broker to the sink',
    'intake.maxBodySize': 'is what the daemon does, from the broker to the sink',
    'journal.path': 'is what the daemon does, from the broker to the sink',
    'validation.schemas': 'is what the daemon does, from the broker to the sink',
    'brokers.kazooConfig': 'is what the daemon does, from the broker to the sink',
    'brokers.localZone': 'is what the daemon does, from the broker to the sink',
    'routes.reveal': 'is what the daemon does, from the broker to the sink',
    'log.level': 'is what the daemon does, from the broker to the sink',
    'root.log.level': 'is in JSON or for people, and says as much as the level lets it',
    'root.log.format': 'is in JSON or for people, and says as much as the level lets it',
    'database.batch.max': 'are as large, and wait as long, as its options say',
    'database.batch.linger': 'are as large, and wait as long, as its options say',
  },
  'broker/topology': {
    'queue.type': 'can be a quorum queue, whose messages never vanish, however often they come back',
  },
  'broker/intake': {
    'intake.batch.max': 'commits at once after a pause, and then lets a batch fill for as long as it may linger',
    'intake.batch.linger': 'commits at once after a pause, and then lets a batch fill for as long as it may linger',
  },
  'broker/recovery': {
    'intake.heartbeat': 'a link that is half open: no end, no reset, packets just vanish',
    'intake.connectTimeout': 'a link that is half open from the start',
    'intake.watch.interval': 'a consumer that the broker has forgotten',
    'intake.watch.stalledAfter': 'a broker that delivers no more though everything looks well',
  },
  'journal/retention': {
    'journal.retention': 'removes what every route has settled once it is old, and nothing else',
    'journal.deadRetention': 'keeps what is listed: waiting, and dead or quarantined until it is older than that',
    'journal.maxSize': 'pauses intake while nothing can be removed, and lets it go on as soon as something can',
  },
  'journal/eviction': {
    'journal.invalidShare':
      'makes way in its order: undecodable, invalid of unknown events, of known ones; the oldest first',
  },
  'faults/daemon': { 'shutdown.timeout': 'ends within shutdown.timeout, with 0, and leaves it for the next start' },
  'cli/status': {
    'brokers.zone': 'shows brokers, journal and routes of the daemon that runs',
    'brokers.url': 'shows brokers, journal and routes of the daemon that runs',
  },
  'broker/tls': {
    'brokers.tls.ca': 'consumes from a broker with a CA of its own that asks for our certificate',
    'brokers.tls.cert': 'consumes from a broker with a CA of its own that asks for our certificate',
    'brokers.tls.key': 'consumes from a broker with a CA of its own that asks for our certificate',
    'brokers.tls.serverName': 'checks for the name of tls.serverName where the host of the url is another',
  },
  'ops/http': {
    'http.listen': 'is a Unix socket where the configuration says so, also after a kill',
    'http.hosts': 'answers only to names that are its own, and takes nothing that is large',
  },
  'routes/match': {
    'routes.events': 'selects events by name, alias and glob',
    'routes.accounts': 'selects accounts and zones; a notification without an account belongs to none',
    'routes.zones': 'selects accounts and zones; a notification without an account belongs to none',
    'routes.previews': 'gets previews and resends only where it asks for them',
    'routes.resends': 'gets previews and resends only where it asks for them',
    'routes.invalid': 'quarantines what is invalid, with its first problem, unless it wants it',
    'routes.unknown': 'gets events that the catalogue doesn’t know, unless it would rather not',
  },
  'routes/shape': {
    'routes.shape.pick': 'picks and omits in every element of a list',
    'routes.shape.omit': 'picks and omits in every element of a list',
    'routes.shape.set': 'sets values of its own, at the top and below data, also where something stands in the way',
  },
  'relay/reload': { 'routes.where': 'adds, replaces and removes routes, and leaves the others and the broker alone' },
  'journal/sqlite': { 'routes.start': 'begins where `start` says, and only the first time' },
  'delivery/order': { 'routes.order': 'is made, and undone, by a change of the configuration' },
  'delivery/route': {
    'routes.retry.schedule': 'is tried again by the schedule, and becomes a dead letter with its attempts',
    'routes.retry.maxWait': 'waits as long as the sink asks, within a bound',
    'routes.circuit.failures':
      'opens after failures in a row that are about no one in particular; an outage makes no dead letter',
    'routes.circuit.maxPause': 'opens when the sink says that it is away, uses up no try, and closes by itself',
    'routes.timeout': 'by never answering is given up at the deadline, and opened anew',
  },
  'sinks/file': {
    'file.path': 'appends one line a notification, to a file and a folder that it makes',
    'file.mode': 'appends one line a notification, to a file and a folder that it makes',
    'file.maxSize': 'starts a new file when the next batch would be too much for it, and splits no batch',
    'file.rotate': 'starts a new file when the last line is of an earlier period',
    'file.keep': 'keeps as many rotated files as it is told, the newest, and touches no other file',
  },
  'sinks/file-compress': {
    'file.compress':
      'is compressed where the sink is told so: all its lines, its time, and the permissions of any file',
  },
  'sinks/database/common': {
    'database.url': 'makes its table and stores what the envelope says',
    'database.columns': 'fills columns of the operator’s choice, and adds them to a table that is there',
    'database.columnsOnly': 'stores into an operator’s own table, and changes nothing about it',
    'database.migrate': 'changes nothing where it may not, and says what is missing',
    'database.retention': 'deletes what is older than the retention, in small steps, and nothing else',
  },
  'sinks/database/postgresql': {
    'database.schema': 'keeps its table in another schema, with names that need quoting',
    'database.table': 'keeps its table in another schema, with names that need quoting',
    'database.connections': 'stores several batches at a time over several connections',
  },
  'sinks/database/postgresql-outages': { 'database.statementTimeout': 'by a statement that takes too long' },
  'sinks/database/partitions': {
    'database.partition': 'are made ahead, and each row goes to its own or finds a place',
  },
  'sinks/webhook/request': {
    'webhook.url': 'takes values of the notification, encoded, in path and query',
    'webhook.method': 'may be a %s',
    'webhook.headers': 'is a POST of the envelope, with an id that stays the same and the configured headers',
    'webhook.concurrency': 'goes at the same time as others, on as many connections as `concurrency` says',
    'webhook.batch.linger': 'is one by one, 16 at a time, unless told otherwise',
    'webhook.rateLimit.requests': 'is no more at a time than get their turn soon, where the rate is limited',
  },
  'sinks/webhook/formats': {
    'webhook.format': '%s is what the CloudEvents SDK reads',
    'webhook.fields': 'is what KAZOO’s webhooks send: the normalised notification, with the custom data over it',
    'webhook.batch.max': 'of envelopes is an array, also where there is only one',
  },
  'sinks/webhook/template': {
    'webhook.template.body': 'sees the keys of the envelope and the fields',
    'webhook.template.contentType': 'of %s escapes values as that wants it',
  },
  'sinks/webhook/signature': {
    'webhook.signature.secrets': 'is made with each of several secrets, so that one can replace another',
  },
  'sinks/webhook/outcome': {
    'webhook.timeout.total': 'within the time it has means the same',
    'webhook.redirects': 'of %d is followed on the same host, where the configuration allows it',
  },
  'sinks/webhook/examine': { 'webhook.timeout.connect': 'ends where nobody answers' },
  'sinks/webhook/pace': { 'webhook.rateLimit.per': 'waits for its turn no longer than the route does' },
  'sinks/webhook/auth': {
    'webhook.auth.basic.user': 'basic sends user and password',
    'webhook.auth.basic.password': 'basic sends user and password',
    'webhook.auth.bearer.token': 'bearer sends the token',
    'webhook.auth.oauth2.tokenUrl': 'fetch one token for many requests, however many come at once',
    'webhook.auth.oauth2.clientId': 'are sent as RFC 6749 says, in a header or in the body',
    'webhook.auth.oauth2.clientSecret': 'are sent as RFC 6749 says, in a header or in the body',
    'webhook.auth.oauth2.clientAuth': 'are sent as RFC 6749 says, in a header or in the body',
    'webhook.auth.oauth2.parameters': 'are sent as RFC 6749 says, in a header or in the body',
  },
  'sinks/webhook/transport': {
    'webhook.tls.ca': 'a receiver whose certificate is of a CA that we trust gets its requests',
    'webhook.tls.cert': 'a receiver that asks for our certificate gets it',
    'webhook.tls.key': 'a receiver that asks for our certificate gets it',
    'webhook.tls.serverName': 'one whose certificate has another name gets nothing, unless that is the one we expect',
    'webhook.tls.minVersion': 'an older version than allowed is not spoken',
    'webhook.tls.verify': 'nobody is checked where the operator says so, and the log says so too',
    'webhook.proxy': 'that is configured gets requests by HTTP whole, with its own credentials',
    'webhook.http2': 'is not spoken where the operator says so, or nobody offers it',
  },
  'sinks/webhook/private-networks': { 'webhook.allowPrivateNetworks': 'nothing goes to %s' },
};

const lines = Object.entries(tests).flatMap(([file, titles]) =>
  Object.entries(titles).map(([option, title]) => ({ option, file, title })),
);

/** Options of the file itself whose names sinks have too. */
const ambiguous = ['log.level', 'log.format'];

function everyOption(): string[] {
  const root = leavesOf(rootOptions).map(({ path }) => path.join('.'));
  const trees = { brokers: { ...brokerOptions, ...kazooConfigOptions }, routes: routeOptions };
  const sinks = Object.fromEntries(sinkKinds.map(({ type, options }) => [type, options]));
  return [
    ...root.map((name) => (ambiguous.includes(name) ? `root.${name}` : name)),
    ...Object.entries({ ...trees, ...sinks }).flatMap(([name, tree]) =>
      leavesOf(tree).map(({ path }) => [name, ...path].join('.')),
    ),
  ];
}

describe('every option', () => {
  test('has a test in which it does something', () => {
    expect(lines.map(({ option }) => option).sort()).toEqual(everyOption().sort());
  });

  test.each(lines)('$option: that test is there, and knows it', ({ option, file, title }) => {
    const path = `test/${file}${file.endsWith('/common') ? '' : '.test'}.ts`;
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(`'${title}'`);
    expect(text).toContain(option.split('.').at(-1));
  });
});
