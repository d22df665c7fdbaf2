import { describe, expect, it } from 'vitest';
import type { IAsked } from '../../src/comments/asked';
import {
  adoptAsked,
  forgetKept,
  halfWrittenAt,
  type IWhose,
  keptAt
} from '../../src/comments/kept';
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

const ADA: IWhose = { who: 'ada', room: 'r', at: 'notebook:a.ipynb' };

describe('what is kept', () => {
  it('is found by the next page, in the order in which it was asked', () => {
    const storage = new FakeStorage();
    const kept = keptAt(storage, () => ADA);
    const one = asked('z', 1);
    const two = asked('b', 2, { refused: 'No.' });
    const three = asked('a', 3);
    [three, one, two].forEach(kept.save);
    const next = keptAt(storage, () => ADA);
    expect(next.load()).toEqual([one, two, three]);
    next.remove('z');
    expect(kept.load()).toEqual([two, three]);
  });

  it('is one person’s, about one document', () => {
    const storage = new FakeStorage();
    keptAt(storage, () => ADA).save(asked('x', 1));
    expect(keptAt(storage, () => ({ ...ADA, who: 'ben' })).load()).toEqual([]);
    expect(keptAt(storage, () => ({ ...ADA, room: 's' })).load()).toEqual([]);
    expect(keptAt(storage, () => ({ ...ADA, room: '' })).load()).toEqual([]);
    storage.setItem('somebody’s', 'else');
    halfWrittenAt(storage, () => ADA, Promise.resolve()).save('t', 'half');
    forgetKept(storage);
    expect(Object.keys(storage)).toEqual(['somebody’s']);
  });

  it('is nothing of a document that does not come', async () => {
    const storage = new FakeStorage();
    const never = Promise.reject(new Error('too large'));
    const halfWritten = halfWrittenAt(storage, () => ADA, never);
    halfWritten.save('t', 'half');
    expect((await halfWritten.load()).size).toBe(0);
  });

  it('is found wherever the file is moved', () => {
    const storage = new FakeStorage();
    keptAt(storage, () => ADA).save(asked('x', 1));
    const moved = keptAt(storage, () => ({ ...ADA, at: 'notebook:b.ipynb' }));
    expect(moved.load()).toEqual([asked('x', 1)]);
  });

  it('is taken over from a room that is no more, and not from another document’s', async () => {
    const storage = new FakeStorage();
    const lost = { ...ADA, room: 'lost' };
    const moved = { ...ADA, room: 'moved' };
    const other = { ...ADA, room: 'other', at: 'notebook:b.ipynb' };
    [lost, moved, other].forEach((whose, n) =>
      keptAt(storage, () => whose).save(asked(`${n}`, n))
    );
    const questions: string[] = [];
    await adoptAsked(storage, ADA, room => {
      questions.push(room);
      return Promise.resolve(room === 'moved');
    });
    expect(questions.sort()).toEqual(['lost', 'moved']);
    expect(keptAt(storage, () => ADA).load()).toEqual([asked('0', 0)]);
    expect(keptAt(storage, () => lost).load()).toEqual([]);
    expect(keptAt(storage, () => moved).load()).toEqual([asked('1', 1)]);
    expect(keptAt(storage, () => other).load()).toEqual([asked('2', 2)]);
  });

  it('by another release, or by nobody who knows how, is left alone', () => {
    const storage = new FakeStorage();
    const kept = keptAt(storage, () => ADA);
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
      storage.setItem(`rtc_widgets:asked:ada#r:${n}`, text)
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
    keptAt(storage, () => ADA).save(asked('x', 1));
    expect(keptAt(storage, () => ADA).load()).toEqual([]);
  });
});
