import { YNotebook } from '@jupyter/ydoc';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import {
  type Anchor,
  makeAnchor,
  Places,
  reattach,
  resolve,
  type Target
} from '../../src/documents/anchors';
import { plain } from '../../src/documents/ycells';
import { type IPlace, OPERATIONS } from '../support/notebook_operations';
import { bytes, vectors } from '../support/vectors';

interface ICase {
  name: string;
  before: string;
  target: { utf16: Target };
  anchor: Anchor;
  after: string;
  resolution: Record<string, unknown> & { utf16: [number, number] | null };
}

const QUOTE = 'df.groupby("x").mean()';
const SOURCE = `# 🦉 é\nimport pandas as pd\ndf = pd.read_csv("a.csv")\n${QUOTE}\ndf.plot()`;
const PLACE: IPlace = { cell: 'c1', quote: QUOTE };

function load(update: string): Y.Doc {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, bytes(update));
  return doc;
}

function notebook(): YNotebook {
  const cell = { cell_type: 'code', metadata: {}, outputs: [] };
  const cells = [
    { ...cell, id: 'm0', source: '# T' },
    { ...cell, id: 'c1', source: SOURCE },
    { ...cell, id: 'c2', source: 'print(1)' }
  ];
  const data = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
  return YNotebook.create({ data });
}

function onQuote(doc: Y.Doc): Anchor {
  const start = SOURCE.indexOf(QUOTE);
  const end = start + QUOTE.length;
  return makeAnchor(doc, { kind: 'range', cell: 'c1', start, end });
}

describe('the vectors that Python sits too', () => {
  const { cases } = vectors<{ cases: ICase[] }>('anchors');
  it.each(cases)('$name', ({ before, target, anchor, after, resolution }) => {
    expect(makeAnchor(load(before), target.utf16)).toEqual(anchor);
    const { start, end, ...found } = resolve(load(after), anchor);
    const { utf16, ...told } = resolution;
    expect(told).toMatchObject(found);
    expect(start === null ? null : [start, end]).toEqual(utf16);
  });
});

describe('what people do in JupyterLab', () => {
  const lost = ['deleteCell', 'deleteQuote', 'rewriteAll'];
  const edited: Record<string, string> = {
    editInside: 'df.groupby("x").dropna().mean()',
    setSourceRename: 'frame.groupby("x").mean()',
    black: "df.groupby('x').mean()",
    splitInside: 'upby("x").mean()'
  };
  const names = Object.keys(OPERATIONS);

  it('is twenty-one things', () => {
    expect(names).toHaveLength(21);
  });

  it.each(names.filter(name => !lost.includes(name)))(
    'a text survives %s',
    name => {
      const model = notebook();
      const anchor = onQuote(model.ydoc);
      OPERATIONS[name]!(model, PLACE);
      const found = resolve(model.ydoc, anchor);
      expect(found.quote).toBe(edited[name] ?? QUOTE);
      const cell = model.cells.find(one => one.getId() === found.cell)!;
      expect(cell.getSource().slice(found.start!, found.end!)).toBe(
        found.quote
      );
      // What is healed is there at once.
      const again = resolve(model.ydoc, found.healed ?? anchor);
      expect([again.start, again.end, again.healed]).toEqual([
        found.start,
        found.end,
        null
      ]);
    }
  );

  it.each([
    ['deleteCell', 'orphan'],
    ['deleteQuote', 'cell'],
    ['rewriteAll', 'cell']
  ])('a text that %s took away leaves its words (%s)', (name, state) => {
    const model = notebook();
    const anchor = onQuote(model.ydoc);
    OPERATIONS[name]!(model, PLACE);
    const found = resolve(model.ydoc, anchor);
    expect([found.state, found.quote, found.healed]).toEqual([
      state,
      QUOTE,
      null
    ]);
  });
});

describe('an anchor', () => {
  it('takes whole characters', () => {
    const doc = notebook().ydoc;
    const owl = SOURCE.indexOf('🦉');
    const target = { kind: 'range', cell: 'c1' } as const;
    const inside = { ...target, start: owl + 1, end: owl + 1 };
    expect(makeAnchor(doc, inside)).toEqual(
      makeAnchor(doc, { ...target, start: owl, end: owl + 2 })
    );
  });

  it('goes back to what it was about first', () => {
    const model = notebook();
    const anchor = onQuote(model.ydoc);
    OPERATIONS['editInside']!(model, PLACE);
    const { healed } = resolve(model.ydoc, anchor);
    expect(healed).toMatchObject({ original: QUOTE });
    model.getCell(1).setSource(SOURCE);
    const found = resolve(model.ydoc, healed!);
    expect(found).toMatchObject({ state: 'moved', quote: QUOTE });
    expect(found.healed).not.toHaveProperty('original');
  });

  it('is attached again by hand, and remembers what it was about', () => {
    const model = notebook();
    const anchor = onQuote(model.ydoc);
    model.deleteCell(1);
    const made = reattach(model.ydoc, anchor, {
      kind: 'line',
      cell: 'c2',
      line: 0
    });
    expect(made).toMatchObject({ cell: 'c2', original: QUOTE });
    expect(resolve(model.ydoc, made)).toMatchObject({
      state: 'changed',
      quote: 'print(1)'
    });
  });

  it.each<Target>([
    { kind: 'cell', cell: 'none' },
    { kind: 'range', cell: 'c2', start: 0, end: 99 },
    { kind: 'line', cell: 'c2', line: 1 },
    { kind: 'output', cell: 'c2', output: 0 }
  ])('cannot be where nothing is: $kind', target => {
    expect(() => makeAnchor(notebook().ydoc, target)).toThrow(RangeError);
  });

  it('is looked for in a document that is read once', () => {
    const model = notebook();
    const places = new Places(model.ydoc);
    const anchors = [onQuote(model.ydoc), onQuote(model.ydoc)];
    const before = Y.encodeStateAsUpdate(model.ydoc);
    expect(anchors.map(anchor => resolve(places, anchor).state)).toEqual([
      'exact',
      'exact'
    ]);
    expect(Y.encodeStateAsUpdate(model.ydoc)).toEqual(before);
  });

  it('stands in a file', () => {
    const doc = new Y.Doc();
    const text = doc.getText('source');
    text.insert(0, 'one\ntwo 🦉\n');
    const anchor = makeAnchor(doc, { kind: 'line', line: 1 });
    text.insert(0, 'é\n');
    const { start, end } = resolve(doc, anchor);
    expect(plain(text).slice(start!, end!)).toBe('two 🦉');
  });
});
