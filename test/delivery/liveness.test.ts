import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RouteLiveness } from '../../src/delivery/liveness.ts';

const minute = 60_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a route', () => {
  test('is not stuck while it sleeps, however long there is nothing to do', () => {
    const liveness = new RouteLiveness(1_000);
    liveness.asleep(Number.POSITIVE_INFINITY);
    jest.advanceTimersByTime(100 * minute);
    expect(liveness.stuck).toBe(false);
  });

  test('is stuck when a round of its loop has not ended for more than a minute', () => {
    const liveness = new RouteLiveness(1_000);
    liveness.awake();
    jest.advanceTimersByTime(minute);
    expect(liveness.stuck).toBe(false);
    jest.advanceTimersByTime(1);
    expect(liveness.stuck).toBe(true);
    liveness.awake();
    expect(liveness.stuck).toBe(false);
  });

  test('is stuck when it has overslept by more than a minute', () => {
    const liveness = new RouteLiveness(1_000);
    liveness.asleep(5_000);
    jest.advanceTimersByTime(5_000 + minute);
    expect(liveness.stuck).toBe(false);
    jest.advanceTimersByTime(1);
    expect(liveness.stuck).toBe(true);
  });

  test('is stuck when an attempt has outlived its time by more than a minute', () => {
    const liveness = new RouteLiveness(10 * minute);
    const first = liveness.attempt();
    jest.advanceTimersByTime(minute);
    const second = liveness.attempt();
    liveness.asleep(Number.POSITIVE_INFINITY);
    jest.advanceTimersByTime(10 * minute);
    expect(liveness.stuck).toBe(false);
    jest.advanceTimersByTime(1);
    expect(liveness.stuck).toBe(true);
    first();
    expect(liveness.stuck).toBe(false);
    second();
    jest.advanceTimersByTime(100 * minute);
    expect(liveness.stuck).toBe(false);
  });
});
