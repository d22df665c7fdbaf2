/** Selections in awareness states: `cursors`, in the shape that jupyter-collaboration writes and reads. */

import type { EditorSelection } from '@codemirror/state';
import * as Y from 'yjs';
import { isRecord } from '../presence/identity';

/** One selected range; its ends stay where they are in the text while others type. */
export interface ICursor {
  readonly anchor: Y.RelativePosition;
  readonly head: Y.RelativePosition;
  /** Of several selections of a person, the one that moves on. */
  readonly primary: boolean;
  readonly empty: boolean;
}

/** One selected range, as offsets into a text. */
export interface IRange {
  readonly anchor: number;
  readonly head: number;
  readonly primary: boolean;
}

/** Selections that are told; a column of thousands would be more than the relay takes of one participant. */
const MOST = 32;

/** Return what to tell of a selection in *text*. */
export function encode(selection: EditorSelection, text: Y.Text): ICursor[] {
  const at = (index: number) =>
    Y.createRelativePositionFromTypeIndex(text, index);
  const others = selection.ranges.filter(range => range !== selection.main);
  return [selection.main, ...others.slice(0, MOST - 1)].map(range => ({
    anchor: at(range.anchor),
    head: at(range.head),
    primary: range === selection.main,
    empty: range.empty
  }));
}

/** Return the selections that a state tells of; what is malformed is left out. */
export function decode(value: unknown): ICursor[] {
  if (!Array.isArray(value)) {
    return [];
  }
  return value.slice(0, MOST).flatMap((cursor: unknown) => {
    const anchor = isRecord(cursor) ? position(cursor['anchor']) : null;
    const head = isRecord(cursor) ? position(cursor['head']) : null;
    if (!isRecord(cursor) || !anchor || !head) {
      return [];
    }
    const primary = cursor['primary'] !== false;
    return [{ anchor, head, primary, empty: cursor['empty'] !== false }];
  });
}

/** Return the text in which a selection is and its offsets, null where that is not here, or not yet. */
export function resolve(
  cursor: ICursor,
  doc: Y.Doc
): { readonly text: Y.Text; readonly range: IRange } | null {
  const anchor = Y.createAbsolutePositionFromRelativePosition(
    cursor.anchor,
    doc
  );
  const head = Y.createAbsolutePositionFromRelativePosition(cursor.head, doc);
  const text = head?.type;
  if (!head || !(text instanceof Y.Text) || anchor?.type !== text) {
    return null;
  }
  const { primary } = cursor;
  return { text, range: { anchor: anchor.index, head: head.index, primary } };
}

function position(value: unknown): Y.RelativePosition | null {
  if (!isRecord(value)) {
    return null;
  }
  const { type, tname, item } = value;
  // Yjs throws at a position that names neither, and would make a root for any name.
  const named = typeof tname === 'string' && tname === 'source';
  if (!isId(item) && !isId(type) && !named) {
    return null;
  }
  return Y.createRelativePositionFromJSON({
    type: isId(type) ? type : null,
    tname: named ? tname : null,
    item: isId(item) ? item : null,
    assoc: typeof value['assoc'] === 'number' ? value['assoc'] : 0
  });
}

function isId(value: unknown): value is { client: number; clock: number } {
  return (
    isRecord(value) &&
    Number.isSafeInteger(value['client']) &&
    Number.isSafeInteger(value['clock'])
  );
}
