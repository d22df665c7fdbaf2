import { YFile, YNotebook } from '@jupyter/ydoc';
import { describe, expect, it } from 'vitest';
import { applyToFile, applyToNotebook } from '../../src/documents/recovery';
import { type IUnsaved, WHOLE } from '../../src/documents/unacknowledged';

function unsaved(
  id: string,
  before: string | null,
  text: string,
  index = 0
): IUnsaved {
  return { id, before, text, index, cellType: 'code' };
}

function notebook(cells: Record<string, string>): YNotebook {
  const made = new YNotebook();
  made.insertCells(
    0,
    Object.entries(cells).map(([id, source]) => ({
      id,
      source,
      cell_type: 'code',
      metadata: {}
    }))
  );
  return made;
}

function sources(made: YNotebook): string[] {
  return made.cells.map(cell => cell.getSource());
}

describe('recovery into a notebook', () => {
  it('merges by cell id', () => {
    const made = notebook({ b: 'head\ny = 2', a: 'x = 1' });
    const outcome = applyToNotebook(made, [
      unsaved('b', 'y = 2', 'y = 20'),
      unsaved('a', 'x = 1', 'x = 10')
    ]);
    expect(sources(made)).toEqual(['head\ny = 20', 'x = 10']);
    expect(outcome).toEqual({ merged: 2, added: 0, left: [] });
  });

  it('puts a text beside the one that changed in the same place', () => {
    const made = notebook({ a: 'theirs', b: 'y' });
    const { added } = applyToNotebook(made, [unsaved('a', 'base', 'mine')]);
    expect(added).toBe(1);
    expect(sources(made)).toEqual(['theirs', 'mine', 'y']);
    expect(made.cells[1]!.getId()).not.toBe('a');
  });

  it('adds a cell that is gone where it was, and a new one in its place', () => {
    const made = notebook({ a: 'x', b: 'y' });
    applyToNotebook(made, [
      unsaved('gone', 'before', 'after', 0),
      unsaved('new', null, 'mine', 1),
      unsaved('far', null, 'off', 99)
    ]);
    expect(sources(made)).toEqual(['after', 'mine', 'x', 'y', 'off']);
    expect(made.cells[1]!.getId()).toBe('new');
  });

  it('does nothing where the relay has the text already', () => {
    const made = notebook({ a: 'same' });
    applyToNotebook(made, [
      unsaved('a', null, 'same'),
      unsaved('a', 'was', 'same')
    ]);
    expect(sources(made)).toEqual(['same']);
  });
});

describe('recovery into a file', () => {
  it('merges, or leaves the text to the person', () => {
    const file = new YFile();
    file.setSource('head\ntext');
    expect(applyToFile(file, [unsaved(WHOLE, 'text', 'text!')]).left).toEqual(
      []
    );
    expect(file.getSource()).toBe('head\ntext!');
    const item = unsaved(WHOLE, 'other', 'mine');
    expect(applyToFile(file, [item]).left).toEqual([item]);
    expect(file.getSource()).toBe('head\ntext!');
  });
});
