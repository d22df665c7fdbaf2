import { describe, expect, it } from 'vitest';
import type { IDraft } from '../../src/documents/draft';
import { Parting } from '../../src/drafts/parting';
import { FakeStorage } from '../support/storage';

const TEXT = {
  id: 'c',
  before: 'a',
  text: 'a Zoë 🦉',
  cellType: 'code',
  index: 0
};

function draft(changes: Partial<IDraft> = {}): IDraft {
  return {
    id: 'x',
    at: 'notebook:a.ipynb',
    room: 'r',
    user: 'ada',
    saved: 7,
    lineage: 'l',
    update: new Uint8Array([0, 127, 128, 255]),
    base: new Map([[4294967295, 12]]),
    texts: [TEXT],
    undecided: [],
    ...changes
  };
}

describe('what a page keeps when it is left', () => {
  it('is read by the next one as it was', () => {
    const storage = new FakeStorage();
    const kept = draft();
    new Parting(storage).put(kept);
    const next = new Parting(storage);
    expect(next.all()).toEqual([kept]);
    expect(next.get('x')).toEqual(kept);
    expect(next.get('y')).toBeUndefined();
    next.remove('x');
    expect(next.all()).toEqual([]);
  });

  it('is the last of one draft', () => {
    const parting = new Parting(new FakeStorage());
    parting.put(draft());
    parting.put(draft({ saved: 8, texts: [] }));
    expect(parting.all()).toEqual([draft({ saved: 8, texts: [] })]);
  });

  it('is the texts alone of a large change, and nothing of too large a text', () => {
    const parting = new Parting(new FakeStorage());
    const large = new Uint8Array(600_000);
    parting.put(draft({ update: large }));
    expect(parting.get('x')).toEqual(draft({ update: null }));
    const long = { ...TEXT, text: 'x'.repeat(1_000_001) };
    parting.put(draft({ update: large, texts: [long] }));
    expect(parting.get('x')).toBeUndefined();
  });

  it('goes after its time', () => {
    const parting = new Parting(new FakeStorage());
    parting.put(draft({ id: 'old', saved: 1 }));
    parting.put(draft({ id: 'new', saved: 2 }));
    parting.purge(2);
    expect(parting.all().map(({ id }) => id)).toEqual(['new']);
  });

  it('breaks nothing where the storage is full or holds something else', () => {
    const storage = new FakeStorage();
    storage.setItem('rtc_widgets:draft:1', 'x');
    storage.setItem('rtc_widgets:draft:2', '{"id": 2}');
    const { id, at } = draft();
    storage.setItem('rtc_widgets:draft:3', JSON.stringify({ id, at }));
    storage.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    const parting = new Parting(storage);
    parting.put(draft());
    expect(parting.all()).toEqual([]);
  });
});
