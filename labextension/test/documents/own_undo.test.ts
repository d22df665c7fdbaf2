/** Undo of cells takes back one's own changes, and never what others typed into those cells. */

import { YNotebook } from '@jupyter/ydoc';
import { beforeEach, expect, it } from 'vitest';
import * as Y from 'yjs';
import { keepOthersText } from '../../src/documents/own_undo';
import { text } from '../support/tab';

let model: YNotebook;
let ben: Y.Doc;

function sync(): void {
  for (const [from, to] of [
    [model.ydoc, ben],
    [ben, model.ydoc]
  ] as const) {
    const update = Y.encodeStateAsUpdate(from, Y.encodeStateVector(to));
    Y.applyUpdate(to, update, 'remote');
  }
}

function types(id: string, words: string): void {
  sync();
  text(ben, id).insert(text(ben, id).length, words);
  sync();
}

const now = () =>
  model.cells.map(cell => `${cell.getId()}: ${cell.getSource()}`);

beforeEach(() => {
  model = new YNotebook({ disableDocumentWideUndoRedo: true });
  ben = new Y.Doc();
  const insert = (id: string, at: number) =>
    model.insertCell(at, { id, cell_type: 'code', source: id });
  ['a', 'b', 'c'].forEach(insert);
  model.clearUndoHistory();
  keepOthersText(model);
  sync();
});

it('leaves a cell that somebody has typed into', () => {
  model.insertCell(1, { id: 'n', cell_type: 'code', source: 'new' });
  types('n', ' by Ben');
  model.undo();
  expect(now()).toEqual(['a: a', 'n:  by Ben', 'b: b', 'c: c']);
  model.redo();
  expect(now()).toEqual(['a: a', 'n: new by Ben', 'b: b', 'c: c']);
});

it('takes a cell away that only oneself has typed into', () => {
  const cell = model.insertCell(1, { id: 'n', cell_type: 'code' });
  cell.setSource('mine');
  types('a', '!');
  model.undo();
  expect(now()).toEqual(['a: a!', 'b: b', 'c: c']);
  model.redo();
  expect(now()).toEqual(['a: a!', 'n: mine', 'b: b', 'c: c']);
});

it('moves a cell back with all that was typed into it', () => {
  model.moveCell(0, 2);
  types('a', ' by Ben');
  model.cells[2]!.updateSource(0, 0, 'mine ');
  expect(now()).toEqual(['b: b', 'c: c', 'a: mine a by Ben']);
  model.undo();
  expect(now()).toEqual(['a: mine a by Ben', 'b: b', 'c: c']);
  model.redo();
  expect(now()).toEqual(['b: b', 'c: c', 'a: mine a by Ben']);
  sync();
  expect(ben.getArray('cells').length).toBe(3);
});

it('brings back what one deleted, and nothing of others', () => {
  model.deleteCell(1);
  sync();
  ben.getArray('cells').delete(1, 1);
  types('a', '!');
  model.undo();
  expect(now()).toEqual(['a: a!', 'b: b']);
  types('b', ' by Ben');
  model.redo();
  expect(now()).toEqual(['a: a!', 'b:  by Ben']);
});
