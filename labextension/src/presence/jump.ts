/** Goes to where a participant is: to the cell, or to the cursor in a text file. */

import type { YFile } from '@jupyter/ydoc';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor } from '@jupyterlab/fileeditor';
import { Notebook } from '@jupyterlab/notebook';
import type { Awareness } from 'y-protocols/awareness';
import { OthersCursors } from '../cursors/others';
import { TextCells } from '../text_view/cells';
import type { IParticipant } from './people';
import type { IWhere } from './words';

/** Return where a cell is, counted as JupyterLab's status bar does, null where it is not there. */
export function whereIs(
  widget: IDocumentWidget | null,
  cell: string
): IWhere | null {
  const { content } = widget ?? {};
  if (content instanceof FileEditor) {
    const position = placeOf(content, cell);
    return position && { unit: 'line', number: position.line + 1 };
  }
  const cells = content instanceof Notebook ? content.widgets : [];
  const number = cells.findIndex(({ model }) => model.id === cell) + 1;
  return number ? { unit: 'cell', number } : null;
}

/** Return where a cell begins in the editor of a notebook's text. */
function placeOf(
  { editor, context }: FileEditor,
  cell: string
): CodeEditor.IPosition | null {
  if (PathExt.extname(context.path).toLowerCase() !== '.ipynb') {
    return null;
  }
  const found = TextCells.of(editor.model.sharedModel as YFile).find(cell);
  return (found && editor.getPositionAt(found.start)) ?? null;
}

/** Show where *who* is in *widget*; nothing happens where that is not known. */
export async function jump(
  { content }: IDocumentWidget,
  who: IParticipant,
  awareness: Awareness
): Promise<void> {
  if (content instanceof Notebook) {
    await toCell(
      content,
      who.places.map(({ cell }) => cell)
    );
  } else if (content instanceof FileEditor) {
    toCursor(content, who, awareness);
  }
}

/** Go to the first of *cells* that is there; nothing happens where none is. */
export async function toCell(
  notebook: Notebook,
  cells: readonly string[]
): Promise<void> {
  const indices = cells.map(cell =>
    notebook.widgets.findIndex(({ model }) => model.id === cell)
  );
  const index = indices.find(found => found >= 0);
  if (index === undefined) {
    return;
  }
  // In edit mode the next key would be typed into their cell.
  notebook.mode = 'command';
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, 'smart');
  notebook.widgets[index]!.node.animate(
    [{ backgroundColor: 'var(--jp-brand-color3)' }, {}],
    { duration: 1200, easing: 'ease-in' }
  );
}

function toCursor(
  file: FileEditor,
  who: IParticipant,
  awareness: Awareness
): void {
  const { editor } = file;
  const others = OthersCursors.of(awareness);
  for (const client of who.clients) {
    const [range] = others.rangesOf(client);
    const position = range && editor.getPositionAt(range.head);
    if (position) {
      editor.revealPosition(position);
      return;
    }
  }
  // Who has the notebook open otherwise has no cursor in its text.
  for (const { cell } of who.places) {
    const position = placeOf(file, cell);
    if (position) {
      editor.setCursorPosition(position);
      editor.focus();
      return;
    }
  }
}
