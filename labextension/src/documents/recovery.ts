/** Apply texts that were never acknowledged again, to a document of another lineage (section 7). */

import { diff, merge } from './text';
import { type IUnsaved, WHOLE } from './unacknowledged';

/** The part of a shared text that recovery needs; the cells and files of @jupyter/ydoc have it. */
export interface IText {
  getSource(): string;
  updateSource(start: number, stop: number, text?: string): void;
}

/** The part of @jupyter/ydoc's notebook that recovery needs. */
export interface INotebook {
  readonly cells: readonly (IText & { getId(): string })[];
  insertCell(
    index: number,
    cell: { id?: string; cell_type: string; source: string }
  ): unknown;
}

/** How many texts came back in which way. */
export interface IOutcome {
  /** Merged into the text where it belongs. */
  merged: number;
  /** Added as cells of their own, because the text had changed in the same place or its cell is gone. */
  added: number;
  /** Could not be applied without overwriting somebody's work: left to the person. */
  left: IUnsaved[];
}

/** Set a text by its smallest edit, so that cursors and other people's typing survive. */
function set(target: IText, text: string): void {
  const edit = diff(target.getSource(), text);
  if (edit) {
    target.updateSource(edit.start, edit.stop, edit.text);
  }
}

/** Return what to write over `theirs`, or null where the changes touch each other. */
function reconcile(unsaved: IUnsaved, theirs: string): string | null {
  if (unsaved.text === theirs) {
    return theirs;
  }
  return unsaved.before === null
    ? null
    : merge(unsaved.before, unsaved.text, theirs);
}

/** Apply texts to a file's document; what cannot be merged is left. */
export function applyToFile(
  file: IText,
  unsaved: readonly IUnsaved[]
): IOutcome {
  const outcome: IOutcome = { merged: 0, added: 0, left: [] };
  for (const item of unsaved.filter(({ id }) => id === WHOLE)) {
    const text = reconcile(item, file.getSource());
    if (text === null) {
      outcome.left.push(item);
    } else {
      set(file, text);
      outcome.merged += 1;
    }
  }
  return outcome;
}

/**
 * Apply texts to a notebook by cell id.
 *
 * Deletions are not repeated: a deleted cell that comes back costs a key press, one that is lost costs work.
 */
export function applyToNotebook(
  notebook: INotebook,
  unsaved: readonly IUnsaved[]
): IOutcome {
  const outcome: IOutcome = { merged: 0, added: 0, left: [] };
  // Not in one transaction: `cells` would not hold what was inserted before its end.
  for (const item of unsaved) {
    const index = notebook.cells.findIndex(cell => cell.getId() === item.id);
    const cell = notebook.cells[index];
    const text = cell ? reconcile(item, cell.getSource()) : null;
    if (cell && text !== null) {
      set(cell, text);
      outcome.merged += 1;
      continue;
    }
    const place = Math.min(item.index, notebook.cells.length);
    notebook.insertCell(cell ? index + 1 : place, {
      ...(cell ? {} : { id: item.id }),
      cell_type: item.cellType,
      source: item.text
    });
    outcome.added += 1;
  }
  return outcome;
}

/** Add texts as cells of their own, each where it was, for a person who wants them so. */
export function addToNotebook(
  notebook: INotebook,
  unsaved: readonly IUnsaved[]
): void {
  for (const { index, cellType, text } of unsaved) {
    notebook.insertCell(Math.min(index, notebook.cells.length), {
      cell_type: cellType || 'code',
      source: text
    });
  }
}

/** Add texts at the end of a file. */
export function addToFile(file: IText, unsaved: readonly IUnsaved[]): void {
  for (const { text } of unsaved) {
    const before = file.getSource();
    const pause = before === '' || before.endsWith('\n') ? '' : '\n';
    file.updateSource(before.length, before.length, pause + text);
  }
}
