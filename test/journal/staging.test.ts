import { expect, test } from '@jest/globals';
import { Staging } from '../../src/journal/staging.ts';
import { recorded } from '../support/recorded.ts';

const nothing = { recorded: [], settled: [], delivered: [] };

test('a cursor that only passes over entries goes with a commit of its own, or with what is told of its route', () => {
  const staging = new Staging();
  const staged = () => [...staging.routes].map(([route, { cursor }]) => [route, cursor]);
  expect(staging.add('r', { ...nothing, cursor: 1 })).toBe(false);
  expect(staging.add('s', { ...nothing, cursor: 1 })).toBe(false);
  expect(staging.add('r', { ...nothing, cursor: 2 })).toBe(false);
  expect(staged()).toEqual([]);
  expect(staging.add('s', { ...nothing, cursor: 2, recorded: [recorded(3, 'quarantined')] })).toBe(true);
  expect(staging.add('s', { ...nothing, cursor: 3 })).toBe(true);
  expect(staged()).toEqual([['s', 3]]);
  staging.clear();
  staging.takePassed();
  expect(staged()).toEqual([['r', 2]]);
  // What sessions before have settled ahead is kept until a cursor passes it, which is more than passing over.
  staging.clear();
  staging.begin('t', [5, 9]);
  expect(staging.add('t', { ...nothing, cursor: 7 })).toBe(true);
  expect(staging.routes.get('t')?.ahead).toEqual([9]);
});

test('a cursor of a route that this daemon has lost is not saved later', () => {
  const staging = new Staging();
  staging.add('r', { ...nothing, cursor: 1 });
  staging.clear('r');
  staging.takePassed();
  expect(staging.routes.size).toBe(0);
});
