/** What a locked model does with what JupyterLab's commands do to it. */

import { YFile, YNotebook } from '@jupyter/ydoc';
import { beforeEach, describe, expect, it } from 'vitest';
import { Lock } from '../../src/documents/lock';

let notebook: YNotebook;
let refused: number;
let lock: Lock;

const code = (source: string) => ({ cell_type: 'code', source });
const read = () => notebook.cells.map(cell => cell.getSource());

beforeEach(() => {
  notebook = YNotebook.create({ disableDocumentWideUndoRedo: true });
  notebook.insertCells(0, [code('a'), code('b')]);
  refused = 0;
  lock = new Lock(notebook, () => {
    refused += 1;
  });
  lock.lock();
});

const changes: Record<string, () => unknown> = {
  add: () => notebook.addCell(code('c')),
  insert: () => notebook.insertCell(0, code('c')),
  delete: () => notebook.deleteCell(0),
  move: () => notebook.moveCell(0, 1),
  undo: () => notebook.undo(),
  replace: () => notebook.fromJSON({ ...notebook.toJSON(), cells: [] }),
  'set a source': () => notebook.getCell(0).setSource('c'),
  'edit a source': () => notebook.getCell(0).updateSource(0, 1, 'c'),
  'undo in a cell': () => notebook.getCell(0).undo()
};

describe('a locked notebook', () => {
  it.each(Object.keys(changes))('does not %s, and says so', name => {
    changes[name]!();
    expect(read()).toEqual(['a', 'b']);
    expect(refused).toBe(1);
  });

  it('gives who inserts a cell to work with', () => {
    const cell = notebook.insertCell(0, code('c'));
    expect(cell.getSource()).toBe('c');
    cell.setSource('d');
    expect(read()).toEqual(['a', 'b']);
  });

  it('keeps its metadata without a word', () => {
    notebook.setMetadata('key', 1);
    notebook.getCell(0).setMetadata('key', 1);
    expect(notebook.getMetadata('key')).toBeUndefined();
    expect(notebook.getCell(0).getMetadata('key')).toBeUndefined();
    expect(refused).toBe(0);
  });

  it('lets in what others write, and covers their new cells', () => {
    lock.unlock();
    notebook.addCell(code('c'));
    lock.lock();
    lock.unlock();
    lock.lock();
    const cells = notebook.ydoc.getArray('cells');
    notebook.ydoc.transact(() => cells.delete(0, 1));
    expect(read()).toEqual(['b', 'c']);
    notebook.getCell(1).setSource('mine');
    expect(read()).toEqual(['b', 'c']);
  });

  it('is as before when it is unlocked', () => {
    lock.unlock();
    notebook.addCell(code('c'));
    notebook.deleteCell(0);
    notebook.getCell(0).setSource('B');
    notebook.setMetadata('key', 1);
    expect(read()).toEqual(['B', 'c']);
    expect(notebook.getMetadata('key')).toBe(1);
    expect(refused).toBe(0);
  });
});

it('locks a file', () => {
  const file = YFile.create();
  file.setSource('text');
  const locked = new Lock(file);
  locked.lock();
  file.setSource('other');
  expect(file.getSource()).toBe('text');
  locked.unlock();
  file.setSource('other');
  expect(file.getSource()).toBe('other');
});
