/** Changes are counted from when they are made until they are acknowledged. */

import { expect, it } from 'vitest';
import { Pending } from '../../src/documents/pending';

function counting(): { pending: Pending; told: number[] } {
  const pending = new Pending();
  const told: number[] = [];
  pending.changed.connect(({ count }) => {
    told.push(count);
  });
  return { pending, told };
}

it('is none at first', () => {
  const { pending } = counting();
  expect([pending.count, pending.since]).toEqual([0, null]);
});

it('counts each change, and tells of the first and the last only', () => {
  const { pending, told } = counting();
  pending.note(100);
  pending.note(200);
  pending.sent(1);
  pending.note(300);
  expect([pending.count, pending.since]).toEqual([3, 100]);
  pending.acknowledge(1);
  expect([pending.count, pending.since]).toEqual([1, 300]);
  pending.acknowledge(1);
  expect(pending.count).toBe(1);
  pending.sent(2);
  pending.acknowledge(2);
  expect([pending.count, pending.since]).toEqual([0, null]);
  expect(told).toEqual([1, 0]);
});

it('does not take an acknowledgement of a channel that is gone', () => {
  const { pending } = counting();
  pending.note(100);
  pending.sent(7);
  pending.note(200);
  pending.unsent();
  pending.acknowledge(7);
  expect([pending.count, pending.since]).toEqual([2, 100]);
  pending.sent(1);
  pending.acknowledge(1);
  expect(pending.count).toBe(0);
});

it('acknowledges at once what covers all', () => {
  const { pending, told } = counting();
  pending.acknowledge(5);
  pending.unsent();
  expect([pending.count, told]).toEqual([0, []]);
});
