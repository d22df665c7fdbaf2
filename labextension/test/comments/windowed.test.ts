import { describe, expect, it } from 'vitest';
import { windowed } from '../../src/comments/windowed';

const ids = Array.from({ length: 500 }, (_, index) => `t${index}`);
const none = () => false;

/** Return how high all parts are together. */
function total(
  parts: readonly (string | number)[],
  heightOf: (id: string) => number
): number {
  return parts.reduce<number>(
    (sum, part) => sum + (typeof part === 'number' ? part : heightOf(part)),
    0
  );
}

describe('What of a long list is in the page', () => {
  it('is what is seen, even in part, and one gap for all before and behind', () => {
    expect(windowed(ids, () => 100, [150, 400], none)).toEqual([
      100,
      't1',
      't2',
      't3',
      49_600
    ]);
  });

  it('is all of it where all is seen, and nothing of nothing', () => {
    const few = ids.slice(0, 3);
    expect(windowed(few, () => 100, [-800, 1600], none)).toEqual(few);
    expect(windowed([], () => 100, [-800, 1600], none)).toEqual([]);
  });

  it('keeps what is written in wherever that is, with a gap on either side', () => {
    const isKept = (id: string) => id === 't0' || id === 't400';
    expect(windowed(ids, () => 100, [1000, 1200], isKept)).toEqual([
      't0',
      900,
      't10',
      't11',
      38_800,
      't400',
      9900
    ]);
  });

  it('is as high as the whole, whatever is seen and however high each is', () => {
    const heightOf = (id: string) => 60 + ((Number(id.slice(1)) * 37) % 300);
    const whole = ids.reduce((sum, id) => sum + heightOf(id), 0);
    for (let top = -1000; top < whole + 1000; top += 777) {
      const parts = windowed(ids, heightOf, [top, top + 900], id =>
        id.endsWith('77')
      );
      expect(total(parts, heightOf)).toBe(whole);
      expect(parts.length).toBeLessThan(40);
    }
  });
});
