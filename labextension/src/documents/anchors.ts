/**
 * Anchors: what a comment is about, so kept that it survives what people do to notebooks (docs/schema.md, "Anchors").
 *
 * The same as `rtc_widgets/documents/anchors.py`, but for offsets: UTF-16 units here, code points there.
 */

import * as Y from 'yjs';
import {
  describeOutput,
  findLine,
  findOutput,
  type IRemembered,
  linesOf
} from './anchor_outputs';
import { FILE, Places } from './anchor_places';
import {
  findCell,
  findRange,
  type IFound,
  withOriginal
} from './anchor_search';
import type {
  Anchor,
  ICellAnchor,
  IOutputAnchor,
  IRangeAnchor,
  IResolution,
  Target
} from './anchor_types';
import { makeQuote, splitsPair, step } from './quotes';

export { Places };
export type { Anchor, IResolution, Target };

const NOWHERE: IResolution = {
  state: 'orphan',
  cell: null,
  start: null,
  end: null,
  quote: null,
  confidence: 0,
  output: null,
  line: null,
  run: null,
  healed: null
};

/** How much of a cell's source is kept to know the cell by, should it come back under another id. */
const CELL_QUOTED = 200;

/**
 * Return an anchor, plain JSON, at a place of a notebook or of a text file.
 *
 * Throws a `RangeError` where there is no such place.
 */
export function makeAnchor(doc: Y.Doc | Places, target: Target): Anchor {
  if (target.kind === 'document') {
    return { kind: 'document' };
  }
  const places = doc instanceof Y.Doc ? new Places(doc) : doc;
  const where = target.cell === undefined ? FILE : places.find(target.cell);
  if (where === null) {
    throw new RangeError(`There is no cell ${target.cell}.`);
  }
  switch (target.kind) {
    case 'range':
    case 'line': {
      const [start, end] = rangeOf(places.string(where), target);
      return rangeAnchor(places, target.kind, where, start, end);
    }
    case 'cell':
      return { kind: 'cell', ...cellPart(places, where) };
    case 'output': {
      const output = remember(places, where, target.output, target.line);
      return { kind: 'output', ...cellPart(places, where), output };
    }
  }
}

/** Return an anchor at another place, chosen by hand, which remembers what it was about first. */
export function reattach(
  doc: Y.Doc | Places,
  anchor: Anchor,
  target: Target
): Anchor {
  const made = makeAnchor(doc, target);
  const original =
    ('original' in anchor ? anchor.original : undefined) ??
    ('quote' in anchor ? anchor.quote.exact : undefined);
  return original !== undefined &&
    'position' in made &&
    made.quote.exact !== original
    ? { ...made, original }
    : made;
}

/** Return where an anchor is now; for many anchors give one `Places` of the document. */
export function resolve(doc: Y.Doc | Places, anchor: Anchor): IResolution {
  if (anchor.kind === 'document') {
    return { ...NOWHERE, state: 'exact', confidence: 1 };
  }
  const places = doc instanceof Y.Doc ? new Places(doc) : doc;
  if (anchor.kind === 'range' || anchor.kind === 'line') {
    return resolveRange(places, anchor);
  }
  const found = findCell(places, anchor);
  if (!found) {
    const { excerpt, execution_count } =
      anchor.kind === 'output'
        ? anchor.output
        : { excerpt: anchor.quote.exact, execution_count: null };
    return { ...NOWHERE, quote: excerpt, run: execution_count };
  }
  if (anchor.kind === 'output') {
    return resolveOutput(places, anchor, found.where);
  }
  const fresh: ICellAnchor = {
    kind: 'cell',
    ...cellPart(places, found.where)
  };
  return {
    ...NOWHERE,
    state: fresh.cell === anchor.cell ? 'exact' : 'moved',
    cell: fresh.cell,
    quote: fresh.quote.exact,
    confidence: found.confidence,
    healed: news(fresh, anchor)
  };
}

function resolveRange(places: Places, anchor: IRangeAnchor): IResolution {
  const hit = findRange(places, anchor);
  if (!hit) {
    const own = places.own(anchor);
    const quote = anchor.quote.exact;
    return own.length === 0 || own[0] === FILE
      ? { ...NOWHERE, quote }
      : { ...NOWHERE, state: 'cell', cell: anchor.cell!, quote };
  }
  const found = withOriginal(places, anchor, hit);
  const { where, state, start, end, confidence } = found;
  const quote = places.string(where).slice(start, end);
  return {
    ...NOWHERE,
    state,
    cell: places.idAt(where),
    start,
    end,
    quote,
    confidence,
    healed: heal(places, anchor, found, quote)
  };
}

function heal(
  places: Places,
  anchor: IRangeAnchor,
  found: IFound,
  quote: string
): Anchor | null {
  const { where, start, end, state } = found;
  const old = anchor.quote;
  const now = makeQuote(places.string(where), start, end);
  if (
    found.atPosition &&
    equal(now, old) &&
    (state === 'exact') === (anchor.original === undefined)
  ) {
    return null;
  }
  const fresh = rangeAnchor(places, anchor.kind, where, start, end);
  const original =
    anchor.original ?? (old.length === undefined ? old.exact : undefined);
  return news(
    original !== undefined && original !== quote
      ? { ...fresh, original }
      : fresh,
    anchor
  );
}

function resolveOutput(
  places: Places,
  anchor: IOutputAnchor,
  where: number
): IResolution {
  const wanted = anchor.output;
  const { line, execution_count: run } = wanted;
  const outputs = places.outputs(where);
  const count = places.executionCount(where);
  let output = findOutput(outputs, wanted);
  let state: IResolution['state'] = 'current';
  if (output < 0) {
    const same = outputs[wanted.index]?.['output_type'] === wanted.type;
    const sameRun = same && count !== null && count === run;
    state = sameRun ? 'changed' : 'earlier';
    output = sameRun ? wanted.index : -1;
  }
  let found = output >= 0 && line ? findLine(outputs[output]!, line) : -1;
  if (state === 'earlier' && line) {
    // The same frame of the same error, once more.
    output = outputs.findIndex(one => findLine(one, line) >= 0);
    found = output >= 0 ? findLine(outputs[output]!, line) : -1;
  }
  const cell = cellPart(places, where);
  const fresh: IOutputAnchor = {
    kind: 'output',
    ...cell,
    output: state === 'current' ? { ...wanted, index: output } : wanted
  };
  return {
    ...NOWHERE,
    state,
    cell: cell.cell,
    quote: line ? line.text : wanted.excerpt,
    confidence: state === 'current' ? 1 : state === 'changed' ? 0.5 : 0,
    output: output < 0 ? null : output,
    line: found < 0 ? null : found,
    run,
    healed: news(fresh, anchor)
  };
}

/** Return the fresh anchor if it says another thing; that neighbours came and went alone is none. */
function news(fresh: Anchor, anchor: Anchor): Anchor | null {
  const aside = { near: null, line: null };
  return equal({ ...fresh, ...aside }, { ...anchor, ...aside }) ? null : fresh;
}

function rangeOf(
  string: string,
  target: Extract<Target, { kind: 'range' | 'line' }>
): [number, number] {
  if (target.kind === 'line') {
    const lines = string.split('\n');
    const { line } = target;
    if (!(line >= 0 && line < lines.length)) {
      throw new RangeError(
        `The text has ${lines.length} lines, so none of index ${line}.`
      );
    }
    const start = lines.slice(0, line).join('\n').length + (line ? 1 : 0);
    return [start, start + lines[line]!.length];
  }
  const { start, end } = target;
  if (!(start >= 0 && start <= end && end <= string.length)) {
    throw new RangeError(
      `The text has ${string.length} units, so no range from ${start} to ${end}.`
    );
  }
  return [
    splitsPair(string, start) ? start - 1 : start,
    splitsPair(string, end) ? end + 1 : end
  ];
}

function rangeAnchor(
  places: Places,
  kind: 'range' | 'line',
  where: number,
  start: number,
  end: number
): IRangeAnchor {
  const text = places.text(where);
  if (!text) {
    throw new RangeError('The cell has no source.');
  }
  const cell =
    where === FILE
      ? {}
      : { cell: places.ids[where]!, near: places.near(where) };
  return {
    kind,
    ...cell,
    position: { start: text.make(start, 0), end: text.make(end, -1) },
    quote: makeQuote(text.string, start, end),
    line: text.string.slice(0, start).split('\n').length - 1
  };
}

function cellPart(places: Places, where: number) {
  if (where === FILE) {
    throw new RangeError('A text file has no cells.');
  }
  const string = places.string(where);
  return {
    cell: places.ids[where]!,
    near: places.near(where),
    quote: makeQuote(string, 0, step(string, 0, CELL_QUOTED))
  };
}

function remember(
  places: Places,
  where: number,
  index: number,
  line: number | undefined
): IRemembered {
  const outputs = places.outputs(where);
  const output = outputs[index];
  if (!output) {
    throw new RangeError(
      `The cell has ${outputs.length} outputs, so none of index ${index}.`
    );
  }
  const found = describeOutput(output, index, places.executionCount(where));
  if (line === undefined) {
    return found;
  }
  const text = linesOf(output)[line];
  if (text === undefined) {
    throw new RangeError(`The output has no line of index ${line}.`);
  }
  return { ...found, line: { index: line, text } };
}

/** Tell whether two values are the same as JSON. */
function equal(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) {
    return one === other;
  }
  const [left, right] = [Object.entries(one), Object.entries(other)];
  return (
    left.length === right.length &&
    left.every(([key, value]) =>
      equal(value, (other as Record<string, unknown>)[key])
    )
  );
}
