import { describe, expect, it } from 'vitest';
import type { Signal } from '@lumino/signaling';
import * as Y from 'yjs';
import type { IShownThread } from '../../src/comments/asked';
import type { Discussion } from '../../src/comments/discussion';
import { ThreadPlaces } from '../../src/comments/places';
import { makeAnchor, type Target } from '../../src/documents/anchors';
import { notebook, text } from '../support/tab';
import { until } from '../support/until';

function discussed(doc: Y.Doc, targets: Target[]): ThreadPlaces {
  const threads = targets.map((target, index) => ({
    id: `t${index}`,
    number: index + 1,
    anchor: makeAnchor(doc, target)
  })) as unknown as IShownThread[];
  const changed = { connect: () => true, disconnect: () => true };
  return new ThreadPlaces(doc, {
    threads,
    changed: changed as unknown as Signal<never, never>
  } as unknown as Discussion);
}

describe('places', () => {
  it('are in the order of the document, and follow it', async () => {
    const doc = new Y.Doc();
    notebook({ a: 'x = 1', b: 'y = 2' })(doc);
    const places = discussed(doc, [
      { kind: 'cell', cell: 'b' },
      { kind: 'range', cell: 'a', start: 4, end: 5 },
      { kind: 'range', cell: 'a', start: 0, end: 1 },
      { kind: 'document' }
    ]);
    const order = () => places.ordered.map(({ id }) => id);
    expect(order()).toEqual(['t3', 't2', 't1', 't0']);
    expect(places.at('a').map(({ id }) => id)).toEqual(['t2', 't1']);
    text(doc, 'a').insert(0, '# one\n');
    await until(() => places.of('t2')?.start === 6);
    doc.getArray('cells').delete(0);
    await until(() => places.isOrphan('t2'));
    expect(order()).toEqual(['t3', 't0', 't1', 't2'].sort(byOrphan(places)));
    expect(places.at('a')).toEqual([]);
    places.dispose();
  });

  it('of what a later release wrote are nowhere', () => {
    const doc = new Y.Doc();
    notebook({ a: 'x = 1' })(doc);
    const places = discussed(doc, []);
    const odd = [{ kind: 'range', cell: 'gone' }, { kind: 'hologram' }, {}];
    const changed = { connect: () => true, disconnect: () => true };
    const threads = odd.map((anchor, index) => ({
      id: `t${index}`,
      number: index,
      anchor
    }));
    const others = new ThreadPlaces(doc, {
      threads,
      changed
    } as unknown as Discussion);
    expect(odd.map((_, index) => others.isOrphan(`t${index}`))).toEqual([
      true,
      true,
      true
    ]);
    places.dispose();
    others.dispose();
  });
});

function byOrphan(places: ThreadPlaces) {
  return (a: string, b: string) =>
    Number(places.isOrphan(a)) - Number(places.isOrphan(b));
}

describe('many lost threads', () => {
  it('do not hold up the page, nor what is at its place', async () => {
    const doc = new Y.Doc();
    const line = 'value = compute(something, 42)  # and so on\n';
    const ids = [...Array(60).keys()].map(index => `c${index}`);
    notebook(Object.fromEntries(ids.map(id => [id, line.repeat(30) + id])))(
      doc
    );
    const places = discussed(
      doc,
      ids.map(cell => ({ kind: 'range', cell, start: 50, end: 70 }))
    );
    doc.getArray('cells').delete(0, 30);
    text(doc, 'c59').insert(0, '#');
    let turns = 0;
    const turn = setInterval(() => (turns += 1));
    await until(() => places.of('t59')?.start === 51);
    // What is where it was is known before those are found that have to be looked for everywhere.
    expect(places.of('t29')?.cell).toBe('c29');
    const before = turns;
    await until(() => places.of('t29')?.cell !== 'c29', 'found again', 19_000);
    clearInterval(turn);
    expect(turns - before).toBeGreaterThan(5);
    places.dispose();
  });
});
