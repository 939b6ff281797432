import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../src/common/messages.ts';
import { changesIn, differingOptions } from '../../src/relay/changes.ts';
import { Reloader } from '../../src/relay/reload.ts';

const log = pino({ level: 'silent' });
const none = { added: [], replaced: [], removed: [], unchanged: [] };
const report = { routes: none, brokers: none, applied: [], needs_restart: [] };

describe('reloads', () => {
  test('come one after the other; those that are asked for meanwhile are one', async () => {
    let running = 0;
    let count = 0;
    const reloader = new Reloader(async () => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      count += 1;
      return report;
    }, log);
    const first = reloader.request();
    await Promise.resolve();
    await Promise.resolve();
    const all = await Promise.all([first, reloader.request(), reloader.request(), reloader.request()]);
    expect(all.map(({ reloaded }) => reloaded)).toEqual([true, true, true, true]);
    expect(count).toBe(2);
  });

  test('tell which files they have read, as they are on disk now, also where they change nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-reloader-'));
    const [there, gone] = [join(folder, 'there.yaml'), join(folder, 'gone.yaml')];
    writeFileSync(there, '');
    utimesSync(there, 0, 1_700_000_000);
    let isBroken = false;
    const reload = async () => {
      if (isBroken) throw new Error('line 3 is wrong');
      return report;
    };
    const reloader = new Reloader(reload, log, () => [there, gone]);
    const read = [
      { file: there, changed: '2023-11-14T22:13:20.000Z' },
      { file: gone, changed: null },
    ];
    expect(await reloader.request()).toMatchObject({ reloaded: true, read });
    isBroken = true;
    expect(await reloader.request()).toMatchObject({ reloaded: false, read });
    rmSync(folder, { recursive: true });
  });

  test('that fail say why, and the next one is tried all the same', async () => {
    let isBroken = true;
    const reloader = new Reloader(async () => {
      if (isBroken) throw new Error('line 3 is wrong');
      return report;
    }, log);
    expect(await reloader.request()).toMatchObject({ reloaded: false, reason: 'line 3 is wrong' });
    isBroken = false;
    expect(await reloader.request()).toMatchObject({ reloaded: true, reason: null });
  });

  test('that a stop cuts off are told of as such, and the stop waits for them', async () => {
    const lines: string[] = [];
    const cut = Promise.withResolvers<never>();
    const reloader = new Reloader(() => cut.promise, pino({}, { write: (line: string) => void lines.push(line) }));
    const reload = reloader.request();
    await Promise.resolve();
    const closed = reloader.close();
    cut.reject(new Error('the daemon is stopping'));
    expect(await reload).toMatchObject({ reloaded: false, reason: 'the daemon is stopping' });
    await closed;
    expect(lines.join('')).toContain(messages.reloadCutOff);
  });

  test('are refused once the daemon stops', async () => {
    const reloader = new Reloader(async () => report, log);
    await reloader.close();
    expect(await reloader.request()).toMatchObject({ reloaded: false, reason: 'the daemon is stopping' });
  });
});

test('changes are told by name', () => {
  const present = new Map(Object.entries({ a: { x: [1] }, b: { x: 1 }, c: {} }));
  const wanted = new Map(Object.entries({ d: {}, a: { x: [1] }, b: { x: 2 } }));
  expect(changesIn(present, wanted)).toEqual({ added: ['d'], replaced: ['b'], removed: ['c'], unchanged: ['a'] });
});

test('options that differ are told by their dotted names', () => {
  const one = { a: { b: 1, c: [1, 2] }, d: 1 };
  expect(differingOptions(one, { a: { b: 2, c: [1] }, d: 1, e: { f: 1 } })).toEqual(['a.b', 'a.c', 'e']);
  expect(differingOptions(one, JSON.parse(JSON.stringify(one)))).toEqual([]);
});
