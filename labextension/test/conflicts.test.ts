import { describe, expect, it } from 'vitest';
import { conflictsOf, kindOf } from '../src/conflicts/conflicts';

describe('conflicts with a file', () => {
  it.each([
    [{ name: 'a', here: '1', there: '2' }, 'texts'],
    [{ name: 'a', here: null, there: '2' }, 'deleted-here'],
    [{ name: 'a', here: '1', there: null }, 'deleted-there'],
    [{ name: 'a', here: '1', there: '1' }, 'values'],
    [{ name: 'metadata' }, 'values']
  ])('%j is of the kind %s', (conflict, kind) => {
    expect(conflictsOf([conflict])).toEqual([conflict]);
    expect(kindOf(conflict)).toBe(kind);
  });

  it.each([[undefined], ['a'], [[null, 'a', {}, { name: 1 }]]])(
    '%j are none',
    told => expect(conflictsOf(told)).toEqual([])
  );

  it('that are malformed are passed over', () => {
    const good = { name: 'a', here: '1', there: '2' };
    expect(conflictsOf([{ name: 'b', here: 1 }, good])).toEqual([good]);
  });
});
