/** Others' cursors: read in jupyter-collaboration's shape, found in their texts, and nothing malformed harms. */

import { EditorSelection } from '@codemirror/state';
import {
  applyAwarenessUpdate,
  Awareness,
  encodeAwarenessUpdate
} from 'y-protocols/awareness';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { OthersCursors } from '../../src/cursors/others';
import { decode, encode } from '../../src/cursors/positions';

function replica(): { doc: Y.Doc; text: Y.Text; awareness: Awareness } {
  const doc = new Y.Doc();
  return { doc, text: doc.getText('source'), awareness: new Awareness(doc) };
}

function pair() {
  const ada = replica();
  const ben = replica();
  const sync = () => {
    Y.applyUpdate(ben.doc, Y.encodeStateAsUpdate(ada.doc));
    Y.applyUpdate(ada.doc, Y.encodeStateAsUpdate(ben.doc));
  };
  const tell = () => {
    const { awareness } = ada;
    const update = encodeAwarenessUpdate(awareness, [awareness.clientID]);
    applyAwarenessUpdate(ben.awareness, update, 'relay');
  };
  const seen = () => {
    const others = OthersCursors.of(ben.awareness);
    return [...others.in(ben.text).values()].flatMap(cursors =>
      others.ranges(cursors, ben.text)
    );
  };
  return { ada, ben, sync, tell, seen };
}

describe('cursors', () => {
  it('stay in the text while others type', () => {
    const { ada, ben, sync, tell, seen } = pair();
    ada.text.insert(0, 'x = 1');
    sync();
    const selection = EditorSelection.single(4, 5);
    ada.awareness.setLocalState({ cursors: encode(selection, ada.text) });
    tell();
    expect(seen()).toEqual([{ anchor: 4, head: 5, primary: true }]);
    ben.text.insert(0, '# 🦉\n');
    expect(seen()).toEqual([{ anchor: 9, head: 10, primary: true }]);
  });

  it('are found when the text comes after them', async () => {
    const { ada, ben, sync, tell, seen } = pair();
    ada.text.insert(0, 'x = 1');
    const selection = EditorSelection.single(2);
    ada.awareness.setLocalState({ cursors: encode(selection, ada.text) });
    tell();
    expect(seen()).toEqual([]);
    let told = 0;
    OthersCursors.of(ben.awareness).watch(ben.text, () => (told += 1));
    sync();
    await Promise.resolve();
    expect(told).toBe(1);
    expect(seen()).toEqual([{ anchor: 2, head: 2, primary: true }]);
  });

  it('are gone when their owner is, and never those of this tab', () => {
    const { ada, ben, sync, tell, seen } = pair();
    sync();
    const selection = EditorSelection.single(0);
    ada.awareness.setLocalState({ cursors: encode(selection, ada.text) });
    ben.awareness.setLocalState({ cursors: encode(selection, ben.text) });
    tell();
    expect(seen()).toHaveLength(1);
    ada.awareness.setLocalState(null);
    tell();
    expect(seen()).toEqual([]);
  });

  it('are as many as fit into a state', () => {
    const { text } = replica();
    text.insert(0, '\n'.repeat(5000));
    const ranges = Array.from({ length: 5000 }, (_, i) =>
      EditorSelection.cursor(i)
    );
    const told = encode(EditorSelection.create(ranges, 4000), text);
    expect(JSON.stringify(told).length).toBeLessThan(65536 / 4);
    expect(told.filter(({ primary }) => primary)).toHaveLength(1);
  });

  const id = { client: 1, clock: 2 };
  it.each([
    null,
    'text',
    [null],
    [{ anchor: null, head: null }],
    [{ anchor: {}, head: {} }],
    [{ anchor: { item: id }, head: { item: 'x' } }],
    [{ anchor: { tname: 'made up' }, head: { tname: 'made up' } }]
  ])('that are malformed are left out: %j', value => {
    expect(decode(value)).toEqual([]);
  });

  it('of clients that leave out nulls are read', () => {
    expect(decode([{ anchor: { item: id }, head: { item: id } }])).toEqual([
      {
        anchor: { type: null, tname: null, item: id, assoc: 0 },
        head: { type: null, tname: null, item: id, assoc: 0 },
        primary: true,
        empty: true
      }
    ]);
  });
});
