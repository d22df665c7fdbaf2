import { beforeEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { Unacknowledged, WHOLE } from '../../src/documents/unacknowledged';
import { cell, notebook, text } from '../support/tab';

const REMOTE = Symbol('another peer');

let doc: Y.Doc;
let edits: Unacknowledged;

beforeEach(() => {
  doc = new Y.Doc();
  doc.transact(() => notebook({ a: 'x = 1', b: 'y = 2' })(doc), REMOTE);
  edits = new Unacknowledged(doc, 'notebook', origin => origin === REMOTE);
});

const before = () =>
  Object.fromEntries(edits.collect().map(item => [item.id, item.before]));

describe('unacknowledged edits', () => {
  it('are none for what others wrote', () => {
    doc.transact(() => text(doc, 'a').insert(0, 'theirs'), REMOTE);
    expect(edits.isEmpty).toBe(true);
  });

  it('remember each text as it was before', () => {
    text(doc, 'a').insert(5, '0');
    text(doc, 'a').delete(0, 2);
    text(doc, 'b').delete(0, 5);
    expect(before()).toEqual({ a: 'x = 1', b: 'y = 2' });
    expect(edits.collect().map(item => item.text)).toEqual(['= 10', '']);
  });

  it('remember text that formatting or others interleave', () => {
    text(doc, 'a').insert(0, 'mine ');
    doc.transact(() => text(doc, 'a').insert(7, 'theirs '), REMOTE);
    text(doc, 'a').insert(0, '!');
    expect(before()).toEqual({ a: 'x = 1' });
  });

  it('go when they are acknowledged, each with its message', () => {
    text(doc, 'a').insert(5, '0');
    edits.sent(1);
    text(doc, 'a').insert(6, '0');
    edits.sent(2);
    edits.acknowledge(1);
    expect(before()).toEqual({ a: 'x = 10' });
    edits.acknowledge(2);
    expect(edits.isEmpty).toBe(true);
  });

  it('stay when the channel goes before the acknowledgement', () => {
    text(doc, 'a').insert(5, '0');
    edits.sent(7);
    text(doc, 'a').insert(6, '0');
    edits.unsent();
    edits.acknowledge(7);
    expect(before()).toEqual({ a: 'x = 1' });
    edits.sent(1);
    edits.acknowledge(1);
    expect(edits.isEmpty).toBe(true);
  });

  it('are not collected where the text is as it was', () => {
    text(doc, 'a').insert(5, '0');
    text(doc, 'a').delete(5, 1);
    expect(edits.collect()).toEqual([]);
  });

  it('hold new cells', () => {
    doc.getArray<Y.Map<unknown>>('cells').insert(1, [cell('c', 'z', 'raw')]);
    expect(edits.collect()).toEqual([
      { id: 'c', before: null, text: 'z', cellType: 'raw', index: 1 }
    ]);
  });

  it('hold a text file under no id', () => {
    const file = new Y.Doc();
    const source = file.getText('source');
    source.insert(0, 'text');
    const found = new Unacknowledged(file, 'file', () => false);
    source.insert(4, '!');
    expect(found.collect()).toEqual([
      { id: WHOLE, before: 'text', text: 'text!', cellType: '', index: 0 }
    ]);
  });

  it('leave other document types alone', () => {
    const other = new Unacknowledged(new Y.Doc(), 'drawing', () => false);
    expect(other.isEmpty).toBe(true);
    other.dispose();
  });
});
