/** Goes to where a participant is: to the cell, or to the cursor in a text file. */

import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor } from '@jupyterlab/fileeditor';
import { Notebook } from '@jupyterlab/notebook';
import type { Awareness } from 'y-protocols/awareness';
import { OthersCursors } from '../cursors/others';
import type { IParticipant } from './people';

/** Return the number of a cell as JupyterLab's status bar counts, null where it is not there. */
export function numberOf(
  widget: IDocumentWidget | null,
  cell: string
): number | null {
  const { content } = widget ?? {};
  const cells = content instanceof Notebook ? content.widgets : [];
  return cells.findIndex(({ model }) => model.id === cell) + 1 || null;
}

/** Show where *who* is in *widget*; nothing happens where that is not known. */
export async function jump(
  { content }: IDocumentWidget,
  who: IParticipant,
  awareness: Awareness
): Promise<void> {
  if (content instanceof Notebook) {
    await toCell(content, who);
  } else if (content instanceof FileEditor) {
    toCursor(content, who, awareness);
  }
}

async function toCell(notebook: Notebook, who: IParticipant): Promise<void> {
  const indices = who.places.map(({ cell }) =>
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
  { editor }: FileEditor,
  who: IParticipant,
  awareness: Awareness
): void {
  const others = OthersCursors.of(awareness);
  for (const client of who.clients) {
    const [range] = others.rangesOf(client);
    const position = range && editor.getPositionAt(range.head);
    if (position) {
      editor.revealPosition(position);
      return;
    }
  }
}
