import { describe, expect, it } from 'vitest';
import { diff, merge } from '../../src/documents/text';

function apply(before: string, after: string): string {
  const edit = diff(before, after);
  return edit
    ? before.slice(0, edit.start) + edit.text + before.slice(edit.stop)
    : before;
}

describe('diff', () => {
  it('is the smallest edit', () => {
    expect(diff('x = 1', 'x = 10')).toEqual({ start: 5, stop: 5, text: '0' });
    expect(diff('abc', 'ac')).toEqual({ start: 1, stop: 2, text: '' });
    expect(diff('same', 'same')).toBeNull();
    expect(diff('', 'all')).toEqual({ start: 0, stop: 0, text: 'all' });
  });

  it.each([
    ['🦉', '🦊'],
    ['a🦉b', 'a🦊b'],
    ['🦉🦉', '🦉'],
    ['\u{1f989}', '\u{1f589}'],
    ['aa', 'aaa']
  ])('makes %s into %s and leaves surrogate pairs whole', (before, after) => {
    expect(apply(before, after)).toBe(after);
    const edit = diff(before, after)!;
    // With the flag u, half a pair is all that this matches.
    expect(edit.text).not.toMatch(/[\ud800-\udfff]/u);
  });
});

describe('merge', () => {
  const base = 'one two three';
  it('takes both changes', () => {
    expect(merge(base, 'ONE two three', 'one two THREE')).toBe('ONE two THREE');
    expect(merge(base, 'one two THREE!', '1 two three')).toBe('1 two THREE!');
  });
  it('takes the only change', () => {
    expect(merge(base, base, 'theirs')).toBe('theirs');
    expect(merge(base, 'mine', base)).toBe('mine');
    expect(merge(base, 'both', 'both')).toBe('both');
  });
  it('does not guess', () => {
    expect(merge(base, 'one 2 three', 'one zwei three')).toBeNull();
    expect(merge(base, `${base} mine`, `${base} theirs`)).toBeNull();
  });
});
