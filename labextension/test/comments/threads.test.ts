import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { readPeople, readThreads } from '../../src/comments/thread_document';
import { bytes, vectors } from '../support/vectors';

interface ICase {
  name: string;
  update: string;
  threads: unknown;
  people: unknown;
}

describe('the annotations document', () => {
  it.each(vectors<ICase[]>('threads'))('is read: $name', one => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, bytes(one.update));
    expect(Object.fromEntries(readThreads(doc))).toEqual(one.threads);
    expect(Object.fromEntries(readPeople(doc))).toEqual(one.people);
  });
});
