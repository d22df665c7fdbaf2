/** What a heartbeat makes of silence, by a clock that the test turns. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Heartbeat } from '../../src/channels/heartbeat';

const TIMES = { quiet: 10_000, patience: 5_000 };

let asked: number;
let deaths: number;
let heartbeat: Heartbeat;

beforeEach(() => {
  vi.useFakeTimers();
  asked = deaths = 0;
  heartbeat = new Heartbeat(
    () => {
      asked += 1;
    },
    () => {
      deaths += 1;
    },
    TIMES
  );
  heartbeat.start();
  heartbeat.heard();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a heartbeat', () => {
  it('asks at the beginning and whenever it is quiet', () => {
    expect(asked).toBe(1);
    vi.advanceTimersByTime(9_000);
    expect(asked).toBe(1);
    heartbeat.heard();
    vi.advanceTimersByTime(9_000);
    expect(asked).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(asked).toBe(2);
    expect(deaths).toBe(0);
  });

  it('is dead within quiet and patience, once', () => {
    vi.advanceTimersByTime(15_000);
    expect(deaths).toBe(1);
    vi.advanceTimersByTime(100_000);
    expect([asked, deaths]).toEqual([2, 1]);
  });

  it('lives on with each answer', () => {
    for (let minute = 0; minute < 60; minute += 1) {
      vi.advanceTimersByTime(12_000);
      heartbeat.heard();
    }
    expect(deaths).toBe(0);
  });

  it('is asked at once where something happened, and not twice', () => {
    heartbeat.probe();
    heartbeat.probe();
    expect(asked).toBe(2);
    vi.advanceTimersByTime(5_000);
    expect(deaths).toBe(1);
  });

  it('asks again after the computer slept, for the answer may lie unread', () => {
    heartbeat.probe();
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(5_000);
    expect([asked, deaths]).toEqual([3, 0]);
    vi.advanceTimersByTime(5_000);
    expect(deaths).toBe(1);
  });

  it('says nothing once it is stopped', () => {
    heartbeat.probe();
    heartbeat.stop();
    vi.advanceTimersByTime(100_000);
    expect([asked, deaths]).toEqual([2, 0]);
  });
});
