import { describe, expect, it } from 'vitest';
import { cellsOf } from '../../src/text_view/cells';
import { sourceOf } from '../../src/text_view/sources';

const SOURCES = ['rate = 0.5\n"é" + \'🦉\'\t\\\n', 'x', '', 'a\n\nb'];

function notebook(inLines: boolean): string {
  const cells = SOURCES.map((source, index) => ({
    cell_type: 'code',
    id: `c${index}`,
    metadata: { source: 'no', tags: ['"source": "no"'] },
    outputs: [{ data: { source: ['no'] } }],
    source: inLines ? (source.match(/[^\n]*\n|[^\n]+/g) ?? []) : source
  }));
  return JSON.stringify({ cells, metadata: {} }, null, 1);
}

describe.each([true, false])('a source in JSON (in lines: %s)', inLines => {
  const text = notebook(inLines);

  it('is read to the letter, and found again', () => {
    cellsOf(text).forEach((span, index) => {
      const source = sourceOf(text, span)!;
      const wanted = SOURCES[index]!;
      expect(source.string).toBe(wanted);
      for (let at = 0; at < wanted.length; at++) {
        const [start, end] = source.toText(at, at + 1);
        expect(source.fromText(start, end)).toEqual([at, at + 1]);
      }
    });
  });

  it('takes of what is selected the part that is source', () => {
    const [span] = cellsOf(text);
    const source = sourceOf(text, span!)!;
    const at = text.indexOf('0.5');
    expect(source.fromText(at, at + 3)).toEqual([7, 10]);
    expect(source.toText(7, 10)).toEqual([at, at + 3]);
    expect(source.fromText(span!.start, span!.stop)).toEqual([
      0,
      SOURCES[0]!.length
    ]);
    const id = text.indexOf('"c0"');
    expect(source.fromText(id, id + 4)).toBeNull();
  });
});

it('what is broken off is none', () => {
  const text = '{"cells": [{"id": "a", "source": ["x = 1\\n", "y';
  const span = { id: 'a', start: text.indexOf('{"id'), stop: text.length };
  expect(sourceOf(text, span)).toBeNull();
});
