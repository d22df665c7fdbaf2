/**
 * Work in cells that went meanwhile.
 *
 * Where one side deletes a cell (or moves it, which is a deletion too) and the other types in it without knowing, the CRDT
 * drops what was typed. What this tab typed is known here, when the deletion arrives. What the others typed in a cell that was
 * deleted here is only in the relay's document: after an outage it is looked at as a whole, before the two are merged.
 */

import * as Y from 'yjs';
import type { IUnsaved } from './unacknowledged';
import { type IDeletedCell, plain, type YCell } from './ycells';

interface IDeletion {
  /** The message that carried it, or infinity while it was not sent. */
  seq: number;
  /** The text as the others knew it, or as it was brought back last. */
  before: string;
  /** The text as it was deleted, with what was typed here. */
  readonly text: string;
}

/** Remember the deletions of this tab that the relay has not acknowledged. */
export class Crossings {
  get isEmpty(): boolean {
    return this._deletions.size === 0;
  }

  /** Note that this tab deleted a cell; `before` is its text without what was typed here and not acknowledged. */
  add({ id, text }: IDeletedCell, before: string): void {
    if (!this._deletions.has(id)) {
      this._deletions.set(id, { seq: Infinity, before, text });
    }
  }

  sent(seq: number): void {
    for (const deletion of this._deletions.values()) {
      deletion.seq = Math.min(deletion.seq, seq);
    }
  }

  acknowledge(seq: number): void {
    for (const [id, deletion] of this._deletions) {
      if (deletion.seq <= seq) {
        this._deletions.delete(id);
      }
    }
    if (this.isEmpty) {
      this._forgetOthers();
    }
  }

  unsent(): void {
    for (const deletion of this._deletions.values()) {
      deletion.seq = Infinity;
    }
    this._forgetOthers();
  }

  /** Note a change of the others' that arrived since the relay's document was looked at. */
  heard(update: Uint8Array): void {
    if (this._others) {
      Y.applyUpdate(this._others, update);
    }
  }

  /** Return what others typed meanwhile: the relay took the deletions now, and all that arrived was there before. */
  received(): IUnsaved[] {
    const found = this._others ? this._typed(this._others) : [];
    this._forgetOthers();
    return found;
  }

  dispose(): void {
    this._forgetOthers();
  }

  /** Return what others typed in the cells that were deleted here, from an update with the relay's whole document. */
  typedByOthers(whole: Uint8Array): IUnsaved[] {
    this._forgetOthers();
    // Kept until the relay has the deletions: the others may go on typing there meanwhile.
    this._others = new Y.Doc();
    Y.applyUpdate(this._others, whole);
    return this._typed(this._others);
  }

  private _typed(doc: Y.Doc): IUnsaved[] {
    const found: IUnsaved[] = [];
    doc.getArray<YCell>('cells').forEach((cell, index) => {
      const id = cell.get('id');
      const source = cell.get('source');
      const deletion =
        typeof id === 'string' ? this._deletions.get(id) : undefined;
      if (typeof id !== 'string' || !deletion || !(source instanceof Y.Text)) {
        return;
      }
      const { before } = deletion;
      const text = plain(source);
      if (text !== before && text !== deletion.text) {
        const cellType = String(cell.get('cell_type'));
        found.push({ id, before, text, cellType, index });
        // Once is enough.
        deletion.before = text;
      }
    });
    return found;
  }

  private _forgetOthers(): void {
    this._others?.destroy();
    this._others = null;
  }

  private readonly _deletions = new Map<string, IDeletion>();
  /** The document as the others have it, without this tab's deletions. */
  private _others: Y.Doc | null = null;
}
