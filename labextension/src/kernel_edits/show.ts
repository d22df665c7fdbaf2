/** Goes to what the kernel changed. */

import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor } from '@jupyterlab/fileeditor';
import { Notebook } from '@jupyterlab/notebook';
import type { Step } from '../documents/step';

/** Show the change that comes after the active cell, or the first one; tells whether there is one to see. */
export function showNext({ content }: IDocumentWidget, step: Step): boolean {
  if (content instanceof Notebook) {
    const { added, moved, edited } = step.summary;
    const changed = new Set([...added, ...moved, ...edited]);
    const indices = [...content.widgets.entries()]
      .filter(([, { model }]) => changed.has(model.id))
      .map(([index]) => index);
    const { activeCellIndex } = content;
    const next = indices.find(index => index > activeCellIndex) ?? indices[0];
    if (next === undefined) {
      return false;
    }
    // In edit mode the next key would be typed into that cell.
    content.mode = 'command';
    content.deselectAll();
    content.activeCellIndex = next;
    void content.scrollToItem(next, 'smart');
    content.widgets[next]!.node.animate(
      [{ backgroundColor: 'var(--jp-brand-color3)' }, {}],
      { duration: 1200, easing: 'ease-in' }
    );
    return true;
  }
  const { offset } = step;
  if (content instanceof FileEditor && offset !== null) {
    const position = content.editor.getPositionAt(offset);
    if (position) {
      content.editor.revealPosition(position);
    }
    return true;
  }
  return false;
}
