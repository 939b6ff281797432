import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RoutePulse } from '../../src/delivery/pulse.ts';

const minute = 60_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a route', () => {
  test('is not stuck while it sleeps, however long there is nothing to do', () => {
    const pulse = new RoutePulse(1_000);
    pulse.asleep(Number.POSITIVE_INFINITY);
    jest.advanceTimersByTime(100 * minute);
    expect(pulse.stuck).toBe(false);
  });

  test('is stuck when a round of its loop has not ended for more than a minute', () => {
    const pulse = new RoutePulse(1_000);
    pulse.awake();
    jest.advanceTimersByTime(minute);
    expect(pulse.stuck).toBe(false);
    jest.advanceTimersByTime(1);
    expect(pulse.stuck).toBe(true);
    pulse.awake();
    expect(pulse.stuck).toBe(false);
  });

  test('is stuck when it has overslept by more than a minute', () => {
    const pulse = new RoutePulse(1_000);
    pulse.asleep(5_000);
    jest.advanceTimersByTime(5_000 + minute);
    expect(pulse.stuck).toBe(false);
    jest.advanceTimersByTime(1);
    expect(pulse.stuck).toBe(true);
  });

  test('is stuck when an attempt has outlived its time by more than a minute', () => {
    const pulse = new RoutePulse(10 * minute);
    const first = pulse.attempt();
    jest.advanceTimersByTime(minute);
    const second = pulse.attempt();
    pulse.asleep(Number.POSITIVE_INFINITY);
    jest.advanceTimersByTime(10 * minute);
    expect(pulse.stuck).toBe(false);
    jest.advanceTimersByTime(1);
    expect(pulse.stuck).toBe(true);
    first();
    expect(pulse.stuck).toBe(false);
    second();
    jest.advanceTimersByTime(100 * minute);
    expect(pulse.stuck).toBe(false);
  });
});
