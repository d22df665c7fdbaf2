import { describe, expect, it } from 'vitest';
import type { IAsked } from '../../src/comments/asked';
import { forgetAsked, keptAt } from '../../src/comments/kept';
import { FakeStorage } from '../support/storage';

function asked(id: string, at: number, changes: object = {}): IAsked {
  const params = { thread: 't', comment: id, body: `words ${id}` };
  return {
    id,
    method: 'comments.add',
    params,
    at,
    refused: null,
    ...changes
  };
}

describe('what is kept', () => {
  it('is found by the next page, in the order in which it was asked', () => {
    const storage = new FakeStorage();
    const kept = keptAt(storage, () => 'ada@a.ipynb');
    const one = asked('z', 1);
    const two = asked('b', 2, { refused: 'No.' });
    const three = asked('a', 3);
    [three, one, two].forEach(kept.save);
    const next = keptAt(storage, () => 'ada@a.ipynb');
    expect(next.load()).toEqual([one, two, three]);
    next.remove('z');
    expect(kept.load()).toEqual([two, three]);
  });

  it('is one person’s, about one document', () => {
    const storage = new FakeStorage();
    keptAt(storage, () => 'ada@a.ipynb').save(asked('x', 1));
    expect(keptAt(storage, () => 'ben@a.ipynb').load()).toEqual([]);
    expect(keptAt(storage, () => 'ada@b.ipynb').load()).toEqual([]);
    expect(keptAt(storage, () => 'ada@a').load()).toEqual([]);
    storage.setItem('somebody’s', 'else');
    forgetAsked(storage);
    expect(Object.keys(storage)).toEqual(['somebody’s']);
  });

  it('by another release, or by nobody who knows how, is left alone', () => {
    const storage = new FakeStorage();
    const kept = keptAt(storage, () => 'ada');
    const wrong = [
      'no JSON',
      'null',
      '[]',
      '{}',
      JSON.stringify(asked('x', 1, { method: 'comments.shout' })),
      JSON.stringify(asked('x', 1, { params: {} })),
      JSON.stringify(asked('x', 1, { params: { thread: 7 } })),
      JSON.stringify(asked('x', 1, { params: { thread: 't', body: {} } })),
      JSON.stringify(asked('x', 1, { params: { thread: 't', mentions: 'a' } })),
      JSON.stringify(asked('x', 1, { params: { thread: 't', anchor: 'a' } })),
      JSON.stringify(asked('x', 1, { at: 'now' })),
      JSON.stringify(asked('x', 1, { refused: true })),
      JSON.stringify({ ...asked('x', 1), id: 7 })
    ];
    wrong.forEach((text, n) =>
      storage.setItem(`rtc_widgets:asked:ada:${n}`, text)
    );
    expect(kept.load()).toEqual([]);
    kept.save(asked('y', 2));
    expect(kept.load()).toEqual([asked('y', 2)]);
    expect(storage.length).toBe(wrong.length + 1);
  });

  it('where nothing can be kept, costs no page', () => {
    const storage = new FakeStorage();
    storage['setItem'] = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    keptAt(storage, () => 'ada').save(asked('x', 1));
    expect(keptAt(storage, () => 'ada').load()).toEqual([]);
  });
});
