/** The comments of a notebook while it is open as text: where they stand there, and what is selected for a new one. */

import type { YFile } from '@jupyter/ydoc';
import type { FileEditor } from '@jupyterlab/fileeditor';
import type { IResolution, Target } from '../documents/anchors';
import { TextCells } from './cells';

/** Return where in a notebook's text something is, null where it is not there. */
export function placeInText(
  model: YFile,
  { cell, start, end }: IResolution
): [number, number] | null {
  const span = cell === null ? undefined : TextCells.of(model).find(cell);
  if (!span) {
    return null;
  }
  const source =
    start === null || end === null ? null : TextCells.of(model).source(span);
  return source && start !== null && end !== null
    ? source.toText(start, end)
    : [span.start, span.start];
}

/** Return what is selected in a notebook's text: of a cell's source, or else the cell; null outside of all cells. */
export function targetInText({
  editor
}: FileEditor): { target: Target; quote: string } | null {
  const model = editor.model.sharedModel as YFile;
  const { start, end } = editor.getSelection();
  const ends = [start, end].map(at => editor.getOffsetAt(at));
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  const span = TextCells.of(model).at(from);
  if (!span) {
    return null;
  }
  const source = from < to ? TextCells.of(model).source(span) : null;
  const found = source?.fromText(from, to);
  return source && found
    ? {
        target: {
          kind: 'range',
          cell: span.id,
          start: found[0],
          end: found[1]
        },
        quote: source.string.slice(...found)
      }
    : { target: { kind: 'cell', cell: span.id }, quote: '' };
}
