import { describe, expect, it } from 'vitest';
import type { Signal } from '@lumino/signaling';
import * as Y from 'yjs';
import type { IShownThread } from '../../src/comments/asked';
import type { Discussion } from '../../src/comments/discussion';
import { ThreadPlaces } from '../../src/comments/places';
import type { INews } from '../../src/comments/shared';
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

  it('tell of what is elsewhere now, and of nothing else', async () => {
    const doc = new Y.Doc();
    notebook({ a: 'x = 1', b: 'y = 2' })(doc);
    const places = discussed(doc, [
      { kind: 'range', cell: 'a', start: 4, end: 5 },
      { kind: 'range', cell: 'b', start: 4, end: 5 },
      { kind: 'range', cell: 'b', start: 0, end: 1 }
    ]);
    const told: INews[] = [];
    places.changed.connect((_, news) => told.push(news));
    text(doc, 'b').insert(3, '= ');
    await until(() => told.length === 1);
    expect(told).toEqual([
      {
        threads: new Set(['t1']),
        cells: new Set(['b']),
        isReordered: false
      }
    ]);
    // What nobody comments on moves nothing, nor does text behind all that is commented on.
    doc.getMap('state').set('dirty', true);
    text(doc, 'a').insert(5, ' # one');
    text(doc, 'b').insert(0, '\n');
    await until(() => told.length === 2);
    expect(told[1]?.threads).toEqual(new Set(['t1', 't2']));
    // Cells that come and go change the numbers of all.
    doc.getArray('cells').delete(0);
    await until(() => told.length === 3);
    expect(told[2]).toMatchObject({ cells: null, isReordered: true });
    expect(places.isOrphan('t0')).toBe(true);
    places.dispose();
  });

  it('are looked for only in what changed', async () => {
    const doc = new Y.Doc();
    notebook({ a: 'x = 1', b: 'y = 2' })(doc);
    const targets = [...Array(50).keys()].map(
      () => ({ kind: 'range', cell: 'a', start: 0, end: 1 }) as const
    );
    const other = { kind: 'range', cell: 'b', start: 0, end: 1 } as const;
    const places = discussed(doc, [...targets, other]);
    await until(() => Boolean(places.of('t49') && places.of('t50')));
    const [first, last] = [places.of('t0'), places.of('t50')];
    text(doc, 'b').insert(0, '# ');
    await until(() => places.of('t50')?.start === 2);
    expect(places.of('t50')).not.toBe(last);
    expect(places.of('t0')).toBe(first);
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
    const ids = [...Array(120).keys()].map(index => `c${index}`);
    notebook(Object.fromEntries(ids.map(id => [id, line.repeat(30) + id])))(
      doc
    );
    const places = discussed(
      doc,
      ids.map(cell => ({ kind: 'range', cell, start: 50, end: 70 }))
    );
    await until(() => ids.every((_, index) => places.of(`t${index}`)));
    doc.getArray('cells').delete(0, 60);
    text(doc, 'c119').insert(0, '#');
    let turns = 0;
    const turn = setInterval(() => (turns += 1));
    await until(() => places.of('t119')?.start === 51);
    // What is where it was is known before those are found that have to be looked for everywhere.
    expect(places.of('t29')?.cell).toBe('c29');
    const before = turns;
    await until(() => places.of('t29')?.cell !== 'c29', 'found again', 19_000);
    clearInterval(turn);
    expect(turns - before).toBeGreaterThan(5);
    places.dispose();
  });
});
