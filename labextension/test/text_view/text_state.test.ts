/** What the relay tells of a notebook's text. */

import { describe, expect, it } from 'vitest';
import {
  isTextOfNotebook,
  offsetOf,
  problemOf
} from '../../src/text_view/text_state';
import type { ILiveDocument } from '../../src/tokens';

describe('a notebook as text', () => {
  it('is known by its path and its type', () => {
    const is = (path: string, type: string) =>
      isTextOfNotebook({ path, type } as ILiveDocument);
    expect(is('a.ipynb', 'file')).toBe(true);
    expect(is('A.IPYNB', 'file')).toBe(true);
    expect(is('a.ipynb', 'notebook')).toBe(false);
    expect(is('a.ipynb.txt', 'file')).toBe(false);
  });

  it('has no problem where it is valid, or nothing is said', () => {
    expect(problemOf({ valid: true })).toBeNull();
    expect(problemOf({})).toBeNull();
  });

  it('has a problem at a place', () => {
    const said = { valid: false, line: 3, column: 7, message: 'No comma.' };
    expect(problemOf(said)).toEqual({
      line: 3,
      column: 7,
      message: 'No comma.'
    });
    expect(problemOf({ valid: false, line: -1, column: 'x' })).toEqual({
      line: 1,
      column: 1,
      message: ''
    });
  });

  it('counts columns in code points', () => {
    expect(offsetOf('"🦉" x', 1)).toBe(0);
    expect(offsetOf('"🦉" x', 3)).toBe(3);
    expect(offsetOf('"🦉" x', 99)).toBe(6);
  });
});
