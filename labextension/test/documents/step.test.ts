/** What a kernel did is taken back, and nothing that people did meanwhile. */

import { beforeEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { idsOf, Step } from '../../src/documents/step';
import { cell, notebook, sources, text } from '../support/tab';

type Cell = Y.Map<unknown>;

const KERNEL = 1;
const BEN = 2;

/** Somebody else's replica, which the tab's and this one are kept in step with by hand. */
let kernel: Y.Doc;
let ben: Y.Doc;
let doc: Y.Doc;
let step: Step;

/** Record every transaction of the tab's replica, the kernel's changes only. */
function record(into: () => Step, mine: (origin: unknown) => boolean): void {
  const cells = doc.getArray<Cell>('cells');
  let order = idsOf(cells);
  cells.observeDeep((events, transaction) => {
    const client = mine(transaction.origin);
    const recorded = client ? { inserts: () => true, deletes: true } : null;
    into().record(events as never, transaction, recorded, order);
    order = idsOf(cells);
  });
}

function sync(): void {
  const all = [kernel, ben, doc];
  for (const from of [kernel, ben, doc]) {
    for (const to of all) {
      const update = Y.encodeStateAsUpdate(from, Y.encodeStateVector(to));
      Y.applyUpdate(to, update, from);
    }
  }
}

/** Let somebody do something, in one transaction, and tell the others. */
function does(who: Y.Doc, act: (doc: Y.Doc) => void): void {
  who.transact(() => act(who));
  sync();
}

/** Move a cell as JupyterLab and the kernel do. */
function move(doc: Y.Doc, from: number, to: number): void {
  const cells = doc.getArray<Cell>('cells');
  const copy = cells.get(from).clone();
  cells.delete(from, 1);
  cells.insert(to, [copy]);
}

function takenBack(): Record<string, string> {
  step.takeBack('undo');
  sync();
  expect(sources(ben)).toEqual(sources(doc));
  return sources(doc);
}

beforeEach(() => {
  [kernel, ben, doc] = [new Y.Doc(), new Y.Doc(), new Y.Doc()];
  kernel.clientID = KERNEL;
  ben.clientID = BEN;
  notebook({ a: 'x = 1', b: 'y = 2', c: 'z = 3' })(ben);
  sync();
  step = new Step(doc, 'notebook');
  record(
    () => step,
    origin => origin === kernel
  );
});

describe('text', () => {
  it('comes back as it was', () => {
    does(kernel, it => {
      text(it, 'a').delete(4, 1);
      text(it, 'a').insert(4, '200');
      text(it, 'b').delete(0, 5);
    });
    expect(sources(doc)).toMatchObject({ a: 'x = 200', b: '' });
    expect(step.summary.edited).toEqual(['a', 'b']);
    expect(takenBack()).toEqual({ a: 'x = 1', b: 'y = 2', c: 'z = 3' });
  });

  it('keeps what somebody typed before, within, beside and after', () => {
    does(kernel, it => {
      text(it, 'a').delete(0, 5);
      text(it, 'a').insert(0, 'value = 17');
    });
    does(ben, it => text(it, 'a').insert(10, ' + more'));
    does(ben, it => text(it, 'a').insert(3, '!'));
    does(ben, it => text(it, 'a').insert(0, '# '));
    expect(sources(doc).a).toBe('# val!ue = 17 + more');
    const { a } = takenBack();
    expect(a).toContain('x = 1');
    expect(a!.replace('x = 1', '')).toBe('# ! + more');
  });

  it('keeps what somebody typed at the same time', () => {
    text(ben, 'a').insert(5, '00');
    kernel.transact(() => {
      text(kernel, 'a').insert(0, 'new ');
      text(kernel, 'a').delete(4, 2);
    });
    sync();
    expect(takenBack().a).toBe('x = 100');
  });

  it('does not bring back what somebody deleted, nor what came and went', () => {
    does(kernel, it => text(it, 'a').insert(5, ' + 2 + 3'));
    does(kernel, it => text(it, 'a').delete(9, 4));
    does(ben, it => text(it, 'a').delete(0, 2));
    expect(sources(doc).a).toBe('= 1 + 2');
    expect(takenBack().a).toBe('= 1');
  });

  it('brings back in the order in which it stood', () => {
    does(kernel, it => text(it, 'a').delete(2, 1));
    does(kernel, it => text(it, 'a').delete(0, 2));
    does(kernel, it => text(it, 'a').delete(1, 1));
    does(kernel, it => text(it, 'a').insert(0, 'new'));
    expect(takenBack().a).toBe('x = 1');
  });

  it('is found in a cell that somebody has moved', () => {
    does(kernel, it => text(it, 'a').insert(5, '00'));
    does(ben, it => move(it, 0, 2));
    does(ben, it => text(it, 'a').insert(0, '# '));
    expect(takenBack()).toEqual({ b: 'y = 2', c: 'z = 3', a: '# x = 1' });
  });

  it('is nothing where nothing is left of it', () => {
    does(kernel, it => text(it, 'a').insert(5, '00'));
    does(kernel, it => text(it, 'a').delete(5, 2));
    expect(step.isSpent).toBe(true);
  });
});

describe('cells', () => {
  const cells = (of: Y.Doc) => of.getArray<Cell>('cells');

  it('that were added go', () => {
    does(kernel, it => cells(it).insert(1, [cell('n', 'new')]));
    does(kernel, it => text(it, 'n').insert(3, 'er'));
    expect(step.summary.added).toEqual(['n']);
    expect(takenBack()).toEqual({ a: 'x = 1', b: 'y = 2', c: 'z = 3' });
  });

  it('that were added stay with what somebody typed into them', () => {
    does(kernel, it => cells(it).insert(1, [cell('n', 'new')]));
    does(ben, it => text(it, 'n').insert(3, ' and mine'));
    expect(takenBack().n).toBe(' and mine');
  });

  it('that were deleted come back with all they had', () => {
    does(ben, it => {
      const outputs = new Y.Array();
      outputs.push([{ output_type: 'stream', text: 'out' }]);
      cells(it).get(1).set('outputs', outputs);
      const metadata = new Y.Map<unknown>();
      metadata.set('tags', ['kept']);
      cells(it).get(1).set('metadata', metadata);
    });
    does(kernel, it => text(it, 'b').insert(5, '00'));
    does(kernel, it => cells(it).delete(1, 1));
    does(ben, it => cells(it).insert(0, [cell('m', 'mine')]));
    expect(step.summary.removed).toEqual(['b']);
    expect(takenBack()).toEqual({
      m: 'mine',
      a: 'x = 1',
      b: 'y = 2',
      c: 'z = 3'
    });
    expect(cells(doc).get(2).toJSON()).toEqual({
      id: 'b',
      cell_type: 'code',
      source: 'y = 2',
      outputs: [{ output_type: 'stream', text: 'out' }],
      metadata: { tags: ['kept'] }
    });
  });

  it('that were deleted come back once, though two take it back', () => {
    does(kernel, it => cells(it).delete(1, 1));
    does(ben, it => cells(it).insert(1, [cell('b', 'y = 2')]));
    expect(step.isSpent).toBe(true);
    expect(Object.keys(takenBack())).toEqual(['a', 'b', 'c']);
  });

  it('that were moved go back with what somebody typed into them', () => {
    does(kernel, it => move(it, 0, 2));
    does(ben, it => text(it, 'a').insert(5, ' mine'));
    expect(step.summary.moved).toEqual(['a']);
    expect(takenBack()).toEqual({ a: 'x = 1 mine', b: 'y = 2', c: 'z = 3' });
    expect(Object.keys(sources(doc))).toEqual(['a', 'b', 'c']);
  });

  it('that were edited, moved and edited again are as before', () => {
    does(kernel, it => text(it, 'a').insert(5, '00'));
    does(kernel, it => move(it, 0, 2));
    does(kernel, it => text(it, 'a').insert(0, 'new '));
    does(ben, it => text(it, 'a').insert(4, 'mine '));
    expect(takenBack()).toEqual({ a: 'mine x = 1', b: 'y = 2', c: 'z = 3' });
    expect(Object.keys(sources(doc))).toEqual(['a', 'b', 'c']);
  });

  it('that became another type are of the old one again', () => {
    does(kernel, it => {
      const copy = cell('a', 'x = 1', 'markdown');
      copy.set('metadata', new Y.Map());
      cells(it).delete(0, 1);
      cells(it).insert(0, [copy]);
    });
    does(ben, it => text(it, 'a').insert(0, '# '));
    takenBack();
    expect(cells(doc).get(0).toJSON()).toMatchObject({
      cell_type: 'code',
      source: '# x = 1'
    });
  });
});

describe('metadata', () => {
  it('is as before, where nobody changed it since', () => {
    const metadata = (it: Y.Doc) =>
      it.getArray<Cell>('cells').get(0).get('metadata') as Cell;
    does(ben, it => {
      const made = new Y.Map<unknown>();
      ['kept', 'set', 'both'].forEach(key => made.set(key, 'old'));
      it.getArray<Cell>('cells').get(0).set('metadata', made);
    });
    does(kernel, it => {
      metadata(it).set('set', 'new');
      metadata(it).set('both', 'new');
      metadata(it).set('added', 'new');
      metadata(it).delete('kept');
    });
    does(kernel, it => metadata(it).set('set', 'newer'));
    does(ben, it => metadata(it).set('both', 'mine'));
    expect(step.summary.edited).toEqual(['a']);
    takenBack();
    expect(metadata(doc).toJSON()).toEqual({
      kept: 'old',
      set: 'old',
      both: 'mine'
    });
  });

  it('of runs is nothing', () => {
    does(kernel, it => {
      const first = it.getArray<Cell>('cells').get(0);
      first.set('execution_count', 3);
      first.set('outputs', new Y.Array());
    });
    does(kernel, it => {
      const first = it.getArray<Cell>('cells').get(0);
      (first.get('outputs') as Y.Array<unknown>).push([{ text: 'out' }]);
    });
    expect(step.isSpent).toBe(true);
  });
});

it('can be done again, by taking back the taking back', () => {
  does(kernel, it => {
    text(it, 'a').delete(4, 1);
    text(it, 'a').insert(4, '200');
    it.getArray<Cell>('cells').delete(1, 1);
    it.getArray<Cell>('cells').push([cell('n', 'new')]);
    move(it, 1, 0);
  });
  const after = sources(doc);
  expect(Object.keys(after)).toEqual(['c', 'a', 'n']);
  const undo = step;
  const redo = new Step(doc, 'notebook');
  record(
    () => redo,
    origin => origin === 'undo'
  );
  undo.takeBack('undo');
  sync();
  expect(Object.entries(sources(doc))).toEqual([
    ['a', 'x = 1'],
    ['b', 'y = 2'],
    ['c', 'z = 3']
  ]);
  does(ben, it => text(it, 'a').insert(5, ' mine'));
  redo.takeBack('redo');
  sync();
  expect(Object.entries(sources(ben))).toEqual([
    ['c', 'z = 3'],
    ['a', 'x = 200 mine'],
    ['n', 'new']
  ]);
});

it('is known for text files, too', () => {
  const source = (it: Y.Doc) => it.getText('source');
  source(ben).insert(0, 'hello');
  sync();
  const step = new Step(doc, 'file');
  source(doc).observe((event, transaction) => {
    const mine = transaction.origin === kernel;
    const recorded = mine ? { inserts: () => true, deletes: true } : null;
    step.record([event as never], transaction, recorded, []);
  });
  does(kernel, it => source(it).insert(5, ' world'));
  does(ben, it => source(it).insert(11, '!'));
  expect(step.summary.edited).toEqual(['']);
  step.takeBack('undo');
  expect(source(doc).toJSON()).toBe('hello!');
});
