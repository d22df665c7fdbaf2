/** The cells of a notebook's text are found, whatever stands in them, and while somebody types. */

import { YFile } from '@jupyter/ydoc';
import { describe, expect, it } from 'vitest';
import { cellsOf, TextCells } from '../../src/text_view/cells';

const NOTEBOOK = {
  cells: [
    {
      id: 'a',
      source: ['x = "{[\\\\"\n', '"id": "no"'],
      metadata: { id: 'm' }
    },
    { source: 'none' },
    { id: 'b', outputs: [{ id: 'out', data: { cells: [{ id: 'c' }] } }] }
  ],
  metadata: { id: 'x', cells: [{ id: 'y' }] },
  id: 'z'
};

describe('the cells of a text', () => {
  it.each([0, 1, 4])('are found, indented by %d', indent => {
    const text = JSON.stringify(NOTEBOOK, null, indent);
    const found = cellsOf(text);
    expect(found.map(({ id }) => id)).toEqual(['a', 'b']);
    const [a, b] = found.map(({ start, stop }): unknown =>
      JSON.parse(text.slice(start, stop))
    );
    expect([a, b]).toEqual([NOTEBOOK.cells[0], NOTEBOOK.cells[2]]);
  });

  it('are found where the text is no JSON further on', () => {
    const text = JSON.stringify(NOTEBOOK);
    const broken = text.replace('"outputs"', '"outputs');
    expect(cellsOf(broken).map(({ id }) => id)).toEqual(['a']);
    for (let end = 0; end < text.length; end += 1) {
      expect(cellsOf(text.slice(0, end)).length).toBeLessThan(3);
    }
    expect(cellsOf('')).toEqual([]);
  });

  it('are looked for again when the text has changed', () => {
    const file = new YFile();
    file.setSource('{"cells": [{"id": "a"}]}');
    const cells = TextCells.of(file);
    expect(cells.at(13)?.id).toBe('a');
    expect(cells.at(3)).toBe(undefined);
    file.setSource('{"x": 1, "cells": [{"id": "a"}]}');
    expect(cells.find('a')?.start).toBe(19);
    file.dispose();
  });
});
