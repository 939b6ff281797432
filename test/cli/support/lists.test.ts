import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Cell, type Column, Table } from '../../../src/cli/support/table.ts';
import { createTerminal } from '../../../src/cli/support/terminal.ts';
import { moment } from '../../../src/cli/support/times.ts';
import { fullTime, shortTime, span } from '../../../src/common/text/times.ts';
import { realEnvironment } from '../../support/real-environment.ts';

const zone = realEnvironment.TZ;
/** A day on which Berlin has put its clocks back: it has 25 hours. */
const now = Date.parse('2026-10-25T12:00:00Z');

beforeEach(() => {
  realEnvironment.TZ = 'Europe/Berlin';
  jest.spyOn(Date, 'now').mockReturnValue(now);
  jest.useFakeTimers({ now, doNotFake: ['performance', 'setImmediate', 'nextTick', 'queueMicrotask'] });
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  if (zone === undefined) delete realEnvironment.TZ;
  else realEnvironment.TZ = zone;
});

describe('a time that is given', () => {
  test.each([
    ['90s', '2026-10-25T11:58:30Z', '2026-10-25T11:58:30Z'],
    ['2h', '2026-10-25T10:00:00Z', '2026-10-25T10:00:00Z'],
    ['1d', '2026-10-24T12:00:00Z', '2026-10-24T12:00:00Z'],
    ['today', '2026-10-24T22:00:00Z', '2026-10-25T00:00:00Z'],
    ['yesterday', '2026-10-23T22:00:00Z', '2026-10-24T00:00:00Z'],
    ['2026-10-26', '2026-10-25T23:00:00Z', '2026-10-26T00:00:00Z'],
    ['2026-10-24T08:00', '2026-10-24T06:00:00Z', '2026-10-24T08:00:00Z'],
    ['2026-10-24 08:00:30', '2026-10-24T06:00:30Z', '2026-10-24T08:00:30Z'],
    ['2026-10-24T08:00:00.5Z', '2026-10-24T08:00:00.5Z', '2026-10-24T08:00:00.5Z'],
    ['2026-10-24t08:00:00-05:00', '2026-10-24T13:00:00Z', '2026-10-24T13:00:00Z'],
  ])('as %s is a local one, or with --utc one in UTC', (given, local, utc) => {
    expect([moment(given)({}), moment(given)({ utc: true })]).toEqual([local, utc].map(Date.parse));
  });

  test.each(['', 'tomorrow', '2', '2w', '1M', '-2h', '26-10-24', '2026-10-24T', '08:00', '2026-13-01', '1e3s'])(
    'as %j is refused with what it may be',
    (given) => expect(() => moment(given)).toThrow('It must be a time, such as 30m, 2h, 7d, today, yesterday, 2026-'),
  );
});

describe('a time that is shown', () => {
  test.each([
    ['2026-10-25T11:00:00.250Z', '2026-10-25T12:00:00.250+01:00', '12:00:00', '11:00:00'],
    ['2026-10-24T22:30:00.000Z', '2026-10-25T00:30:00.000+02:00', '00:30:00', '24 Oct 22:30'],
    ['2026-01-02T22:30:00.000Z', '2026-01-02T23:30:00.000+01:00', '02 Jan 23:30', '02 Jan 22:30'],
    ['2025-12-31T23:30:00.000Z', '2026-01-01T00:30:00.000+01:00', '01 Jan 00:30', '31 Dec 2025'],
  ])('of %s is a local one, or with --utc one in UTC', (utc, local, short, shortUtc) => {
    const at = Date.parse(utc);
    expect([fullTime(at, {}), fullTime(at, { utc: true })]).toEqual([local, utc]);
    expect([shortTime(at, {}), shortTime(at, { utc: true })]).toEqual([short, shortUtc]);
    // What is shown can be given.
    expect(moment(local)({})).toBe(at);
  });

  test('has the offset of a zone with half an hour, and of one behind UTC', () => {
    realEnvironment.TZ = 'Asia/Kolkata';
    expect(fullTime(now, {})).toBe('2026-10-25T17:30:00.000+05:30');
    realEnvironment.TZ = 'America/St_Johns';
    expect(fullTime(now, {})).toBe('2026-10-25T09:30:00.000-02:30');
  });

  test.each([
    [-5, '0 s'],
    [99_000, '99 s'],
    [100_000, '2 min'],
    [5_940_000, '99 min'],
    [7_200_000, '2 h'],
    [172_799_000, '48 h'],
    [259_200_000, '3 d'],
  ])('of %d ms ago is %s', (millis, text) => expect(span(millis)).toBe(text));
});

describe('a list', () => {
  const columns: readonly Column[] = [
    { head: 'ID' },
    { head: 'NAME', min: 6 },
    { head: 'SPARE', spare: 2 },
    { head: 'SPARER', spare: 1 },
    { head: 'COUNT', right: true },
  ];
  const rows = [
    ['1234567890', 'a name that is long', 'xxxxx', 'yyyyyy', '7'],
    ['1', 'b', '', 'y', '12'],
  ];

  test.each([
    [
      undefined,
      [
        'ID          NAME                 SPARE  SPARER  COUNT',
        '1234567890  a name that is long  xxxxx  yyyyyy      7',
      ],
    ],
    [50, ['ID          NAME              SPARE  SPARER  COUNT', '1234567890  a name that is …  xxxxx  yyyyyy      7']],
    [38, ['ID          NAME         SPARER  COUNT', '1234567890  a name tha…  yyyyyy      7']],
    [30, ['ID          NAME         COUNT', '1234567890  a name tha…      7']],
    [10, ['ID          NAME    COUNT', '1234567890  a nam…      7']],
  ])('of %s columns cuts what may be cut, then leaves out what can be spared', async (width, expected) => {
    const lines = await listed(width, {}, columns, rows);
    expect(lines.slice(0, 2)).toEqual(expected);
    expect(new Set(lines.map((line) => line.trimEnd()))).toEqual(new Set(lines));
  });

  test('is brief before anything of it is left out, and then stays so', async () => {
    const brief: readonly Column[] = [
      { head: 'RECEIVED', briefHead: 'AGE' },
      { head: 'NAME', min: 6, spare: 1 },
    ];
    const page = (name: string) => [[{ text: '24 Nov 08:00', brief: '5 d' }, name]];
    const pages = [page('a name'), page('a')];
    expect(await listed(20, {}, brief, ...pages)).toEqual([
      'RECEIVED      NAME',
      '24 Nov 08:00  a name',
      '24 Nov 08:00  a',
    ]);
    expect(await listed(12, {}, brief, ...pages)).toEqual(['AGE  NAME', '5 d  a name', '5 d  a']);
    expect(await listed(8, {}, brief, ...pages)).toEqual(['AGE', '5 d', '5 d']);
  });

  test('is whole with --wide, however wide the terminal is', async () => {
    expect(await listed(10, { wide: true }, columns, rows)).toEqual(await listed(undefined, {}, columns, rows));
  });

  test('has its heads once, and where there are rows', async () => {
    expect(await listed(80, {}, columns, [], [['1', 'a', '', '', '1']], [['2', 'b', '', '', '2']])).toEqual([
      'ID  NAME  SPARE  SPARER  COUNT',
      '1   a                        1',
      '2   b                        2',
    ]);
    expect(await listed(80, {}, columns, [])).toEqual([]);
  });

  async function listed(
    width: number | undefined,
    options: { wide?: true },
    heads: readonly Column[],
    ...pages: Cell[][][]
  ): Promise<string[]> {
    const stdout = Object.assign(new PassThrough(), width === undefined ? {} : { columns: width });
    const terminal = createTerminal({ stdin: new PassThrough(), stdout, stderr: new PassThrough(), env: {} });
    const table = new Table(Object.assign(terminal, options), heads);
    const written = text(stdout);
    for (const page of pages) await table.print(page);
    stdout.end();
    return (await written).split('\n').slice(0, -1);
  }
});

describe('prose', () => {
  const told = '\u001b[33mthe sink of crm\u001b[39m is away: connect ECONNREFUSED';

  test.each([
    [undefined, {}, [told]],
    [0, {}, [told]],
    [40, {}, ['\u001b[33mthe sink of crm\u001b[39m is away: connect', '  ECONNREFUSED']],
    [20, {}, ['\u001b[33mthe sink of crm\u001b[39m is', '  away: connect', '  ECONNREFUSED']],
    [10, {}, ['\u001b[33mthe sink', '  of crm\u001b[39m', '  is away:', '  connect', '  ECONNREFUSED']],
    [20, { wide: true }, [told]],
  ])('on %s columns is broken at spaces, and colours take no room', async (width, options, lines) => {
    const stdout = Object.assign(new PassThrough(), width === undefined ? {} : { columns: width });
    const terminal = createTerminal({ stdin: new PassThrough(), stdout, stderr: new PassThrough(), env: {} });
    await Object.assign(terminal, options).say(told, 2);
    expect(String(stdout.read())).toBe(`${lines.join('\n')}\n`);
  });

  test('of a complaint is too, but not a line of the configuration with its caret', () => {
    const stderr = Object.assign(new PassThrough(), { columns: 20 });
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {} };
    createTerminal(streams).complain('a.yaml:3:5: it needs a colon\n    events [missed_call]\n          ^');
    expect(String(stderr.read())).toBe('a.yaml:3:5: it needs\na colon\n    events [missed_call]\n          ^\n');
  });
});
