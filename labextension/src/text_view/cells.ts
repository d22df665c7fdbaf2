/** Where each cell stands in a notebook's text, also while somebody types and it is no JSON. */

import type { YFile } from '@jupyter/ydoc';
import { type ISource, sourceOf } from './sources';

/** One cell, as offsets into the text. */
export interface ICellSpan {
  readonly id: string;
  readonly start: number;
  readonly stop: number;
}

/** Return the cells that have ids, in order. */
export function cellsOf(text: string): ICellSpan[] {
  const found: ICellSpan[] = [];
  let depth = 0;
  let inCells = false;
  let start = 0;
  let id = '';
  let key = '';
  let isValue = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at);
        const isKnown = depth === 1 || (inCells && depth === 3);
        if (isKnown && !isValue) {
          key = text.slice(at + 1, end);
        } else if (isKnown && depth === 3 && key === 'id') {
          id = text.slice(at + 1, end);
        }
        at = end;
        break;
      }
      case ':':
        isValue = true;
        break;
      case ',':
        isValue = false;
        break;
      case '[':
      case '{':
        inCells ||= depth === 1 && key === 'cells' && text[at] === '[';
        if (inCells && depth === 2) {
          start = at;
          id = '';
        }
        depth += 1;
        isValue = false;
        break;
      case ']':
      case '}':
        depth -= 1;
        isValue = false;
        inCells &&= depth > 1;
        if (inCells && depth === 2 && id) {
          found.push({ id, start, stop: at + 1 });
        }
        break;
    }
  }
  return found;
}

/** Keep the cells of one text, looked for when somebody asks. */
export class TextCells {
  /** Return the ones of a document. */
  static of(model: YFile): TextCells {
    let found = all.get(model);
    if (!found) {
      found = new TextCells(model);
      all.set(model, found);
    }
    return found;
  }

  private constructor(private readonly _model: YFile) {
    _model.changed.connect((_, { sourceChange }) => {
      if (sourceChange) {
        this._cells = null;
      }
    });
  }

  /** Return the cell at an offset. */
  at(offset: number): ICellSpan | undefined {
    return this._all.find(
      ({ start, stop }) => start <= offset && offset <= stop
    );
  }

  find(id: string): ICellSpan | undefined {
    return this._all.find(cell => cell.id === id);
  }

  /** Return the source of a cell, null where it cannot be read. */
  source(span: ICellSpan): ISource | null {
    let found = this._sources.get(span);
    if (found === undefined) {
      found = sourceOf(this._model.getSource(), span);
      this._sources.set(span, found);
    }
    return found;
  }

  private get _all(): readonly ICellSpan[] {
    this._cells ??= cellsOf(this._model.getSource());
    return this._cells;
  }

  // The cells of another text are other objects.
  private readonly _sources = new WeakMap<ICellSpan, ISource | null>();
  private _cells: readonly ICellSpan[] | null = null;
}

/** Return where the quote stands that ends the string which begins at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = at; ;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) {
      return text.length;
    }
    let before = end;
    while (text[before - 1] === '\\') {
      before -= 1;
    }
    if ((end - before) % 2 === 0) {
      return end;
    }
  }
}

const all = new WeakMap<YFile, TextCells>();
